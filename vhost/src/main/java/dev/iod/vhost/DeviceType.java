package dev.iod.vhost;

/**
 * What a kind of device offers.
 *
 * @param features virtio feature bits beside {@link #VERSION_1} and {@link #PROTOCOL_FEATURES}
 * @param rings number of virtqueues
 * @param queueCount what GET_QUEUE_NUM answers (queue pairs for net)
 * @param maxRingSize largest ring accepted, a power of two up to 32768
 * @param tracked requests are answered in any order: rings are {@link RequestRing}s, what is in
 *     flight is tracked, and there is a configuration space
 */
public record DeviceType(
        long features, int rings, int queueCount, int maxRingSize, boolean tracked) {
    /** VIRTIO_F_VERSION_1 (virtio 1.2 §6). */
    public static final long VERSION_1 = 1L << 32;

    /** VIRTIO_F_INDIRECT_DESC (virtio 1.2 §6). */
    public static final long INDIRECT_DESC = 1L << 28;

    /** VHOST_USER_F_PROTOCOL_FEATURES. */
    public static final long PROTOCOL_FEATURES = 1L << 30;

    /** VIRTIO_F_EVENT_IDX (virtio 1.2 §6). */
    public static final long EVENT_IDX = 1L << 29;

    static final long PROTOCOL_MQ = 1;
    static final long PROTOCOL_REPLY_ACK = 1L << 3;
    static final long PROTOCOL_BACKEND_REQ = 1L << 5;
    static final long PROTOCOL_CONFIG = 1L << 9;
    static final long PROTOCOL_INFLIGHT_SHMFD = 1L << 12;
    static final long PROTOCOL_STATUS = 1L << 16;

    public DeviceType {
        if (rings < 1
                || rings > 256
                || maxRingSize < 2
                || maxRingSize > 32768
                || Integer.bitCount(maxRingSize) != 1) {
            throw new IllegalArgumentException(
                    rings + " rings of up to " + maxRingSize + " entries");
        }
        if (!tracked && (features & (INDIRECT_DESC | EVENT_IDX)) != 0) {
            throw new IllegalArgumentException(
                    "rings in order have neither indirect descriptors nor event indexes");
        }
    }

    /** A device whose buffers are completed in order. */
    public DeviceType(long features, int rings, int queueCount, int maxRingSize) {
        this(features, rings, queueCount, maxRingSize, false);
    }

    long offered() {
        return features | VERSION_1 | PROTOCOL_FEATURES;
    }

    /** CONFIGURE_MEM_SLOTS is not offered: without ADD_MEM_REG no ring would ever start. */
    long offeredProtocol() {
        long all = PROTOCOL_MQ | PROTOCOL_REPLY_ACK | PROTOCOL_STATUS;
        return tracked
                ? all | PROTOCOL_BACKEND_REQ | PROTOCOL_CONFIG | PROTOCOL_INFLIGHT_SHMFD
                : all;
    }
}
