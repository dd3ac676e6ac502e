package dev.iod.block;

import dev.iod.vhost.DeviceType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Feature bits, configuration space and status codes of a virtio-blk device (virtio 1.2 §5.2.3,
 * §5.2.4, §5.2.6).
 */
final class VirtioBlk {
    static final long F_SEG_MAX = 1L << 2;
    static final long F_RO = 1L << 5;
    static final long F_BLK_SIZE = 1L << 6;
    static final long F_FLUSH = 1L << 9;
    static final long F_TOPOLOGY = 1L << 10;
    static final long F_MQ = 1L << 12;
    static final long F_DISCARD = 1L << 13;
    static final long F_WRITE_ZEROES = 1L << 14;

    static final int OK = 0;
    static final int IO_ERROR = 1;
    static final int UNSUPPORTED = 2;

    /** What one DISCARD or WRITE_ZEROES may cover: 1 GiB. */
    private static final int MAX_RANGE_SECTORS = 1 << 21;

    /**
     * What guests see: sectors of 512 bytes, of which firmware boots, in blocks of 4 KiB, in which
     * systems lay out what they keep. So whatever the storage needs, and wherever a disk is cloned.
     */
    static final int BLOCK_BYTES = RequestParser.SECTOR_BYTES;

    private static final int PHYSICAL_BLOCK_EXPONENT = 3;
    private static final int PHYSICAL_BLOCK_BYTES = BLOCK_BYTES << PHYSICAL_BLOCK_EXPONENT;
    private static final int CONFIGURATION_BYTES = 60;

    private VirtioBlk() {}

    static long features(int queues, boolean readOnly) {
        long always =
                F_SEG_MAX
                        | F_BLK_SIZE
                        | F_FLUSH
                        | F_TOPOLOGY
                        | DeviceType.INDIRECT_DESC
                        | DeviceType.EVENT_IDX;
        return always | (queues > 1 ? F_MQ : 0) | (readOnly ? F_RO : F_DISCARD | F_WRITE_ZEROES);
    }

    /** struct virtio_blk_config. */
    static byte[] configuration(long sizeBytes, int queues) {
        return ByteBuffer.allocate(CONFIGURATION_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(0, sizeBytes / RequestParser.SECTOR_BYTES)
                .putInt(12, BlockIo.MAX_SEGMENTS)
                .putInt(20, BLOCK_BYTES)
                .put(24, (byte) PHYSICAL_BLOCK_EXPONENT)
                .put(25, (byte) 0) // alignment_offset
                .putShort(26, (short) (PHYSICAL_BLOCK_BYTES / BLOCK_BYTES)) // min_io_size
                .put(32, (byte) 1) // writeback
                .putShort(34, (short) queues)
                .putInt(36, MAX_RANGE_SECTORS)
                .putInt(40, 1)
                .putInt(44, PHYSICAL_BLOCK_BYTES / RequestParser.SECTOR_BYTES)
                .putInt(48, MAX_RANGE_SECTORS)
                .putInt(52, 1)
                .put(56, (byte) 1) // write_zeroes_may_unmap
                .array();
    }
}
