package dev.iod.image;

import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Tells the format of an image by its bytes, and refuses those whose disk is not all in them or not
 * what it says: parents, external data, unknown features, sizes that nobody has. It reads what QEMU
 * reads to decide, so that QEMU, told the format, opens nothing but the one file.
 */
final class FormatInspector {
    /** The largest disk that an image may describe. */
    static final long MAX_VIRTUAL_BYTES = 128L << 30;

    private static final long ISO_DESCRIPTOR = 32 << 10;
    private static final int ISO_BLOCK_BYTES = 2048;

    /** Of the recognition sequence; on discs with larger sectors not every block has one. */
    private static final int RECOGNITION_BLOCKS = 64;

    private FormatInspector() {}

    /**
     * @throws ApiException 415 when the bytes are of several formats, of one that is not taken, or
     *     describe a disk that is not taken
     * @throws IOException when the file cannot be read
     */
    static DiskShape inspect(Path file) throws IOException {
        try (ImageBytes bytes = ImageBytes.open(file)) {
            DiskFormat format = format(bytes);
            long virtualBytes =
                    switch (format) {
                        case RAW -> bytes.size();
                        case QCOW2 -> Qcow2Header.check(bytes);
                        case VMDK -> VmdkHeader.check(bytes);
                        case VHD -> VhdHeaders.checkVhd(bytes);
                        case VHDX -> VhdHeaders.checkVhdx(bytes);
                        case VDI -> checkVdi(bytes);
                        case ISO -> isoBytes(bytes);
                    };
            if (virtualBytes < 0 || format.driver().isPresent() && beyond(virtualBytes)) {
                throw refused(
                        "its disk has %s bytes, and at most %d are taken",
                        Long.toUnsignedString(virtualBytes), MAX_VIRTUAL_BYTES);
            }
            return new DiskShape(format, virtualBytes);
        }
    }

    private static boolean beyond(long virtualBytes) {
        return virtualBytes > MAX_VIRTUAL_BYTES;
    }

    /**
     * Refuses a disk in a disk: whoever looked at the inner bytes and believed them, would open
     * what the outer ones hid.
     *
     * @throws ApiException 415
     */
    static void checkNotNested(Path raw) throws IOException {
        try (ImageBytes bytes = ImageBytes.open(raw)) {
            DiskFormat inner = format(bytes);
            if (inner.driver().isPresent()) {
                throw refused("its disk holds another one of format %s", inner.text());
            }
        }
    }

    private static DiskFormat format(ImageBytes bytes) throws IOException {
        if (bytes.startsWith(0, "QED\0")) {
            throw refused("the format qed is not taken");
        }
        Set<DiskFormat> found = EnumSet.noneOf(DiskFormat.class);
        if (bytes.startsWith(0, Qcow2Header.MAGIC)) {
            found.add(DiskFormat.QCOW2);
        }
        if (VmdkHeader.isOne(bytes)) {
            found.add(DiskFormat.VMDK);
        }
        if (VhdHeaders.isVhd(bytes)) {
            found.add(DiskFormat.VHD);
        }
        if (bytes.startsWith(0, "vhdxfile")) {
            found.add(DiskFormat.VHDX);
        }
        if (bytes.uint(0x40, ByteOrder.LITTLE_ENDIAN) == 0xbeda107fL) {
            found.add(DiskFormat.VDI);
        }
        if (isIso(bytes)) {
            found.add(DiskFormat.ISO);
        }
        if (found.size() > 1) {
            throw refused(
                    "it is of several formats at once: %s",
                    found.stream().map(DiskFormat::text).collect(Collectors.joining(", ")));
        }
        return found.isEmpty() ? DiskFormat.RAW : found.iterator().next();
    }

    /**
     * ECMA-119 §8.1, and for discs with UDF alone the volume recognition sequence (ECMA-167 part 2
     * §8.3.1): a descriptor in each sector, of which one is NSR02 or NSR03.
     */
    private static boolean isIso(ImageBytes bytes) throws IOException {
        if (bytes.startsWith(ISO_DESCRIPTOR + 1, "CD001")) {
            return true;
        }
        for (int i = 0; i < RECOGNITION_BLOCKS; i++) {
            String id = bytes.text(ISO_DESCRIPTOR + (long) i * ISO_BLOCK_BYTES + 1, 5);
            if (id.equals("NSR02") || id.equals("NSR03")) {
                return true;
            }
        }
        return false;
    }

    /** Space and block size by the primary volume descriptor (ECMA-119 §8.4), if it comes first. */
    private static long isoBytes(ImageBytes bytes) throws IOException {
        if (bytes.text(ISO_DESCRIPTOR, 1).charAt(0) != 1) {
            return bytes.size();
        }
        long blocks = bytes.uint(ISO_DESCRIPTOR + 80, ByteOrder.LITTLE_ENDIAN);
        long blockBytes = bytes.uint(ISO_DESCRIPTOR + 128, ByteOrder.LITTLE_ENDIAN) & 0xffff;
        return blocks * (blockBytes == 0 ? ISO_BLOCK_BYTES : blockBytes);
    }

    /** The header of VirtualBox's format, as QEMU's {@code block/vdi.c} describes it. */
    private static long checkVdi(ImageBytes bytes) throws IOException {
        long type = bytes.uint(0x4c, ByteOrder.LITTLE_ENDIAN);
        if (type != 1 && type != 2) {
            throw refused(
                    "only dynamic and fixed disks of format vdi are taken, not type %d", type);
        }
        for (int at = 0x1a8; at < 0x1c8; at += 8) {
            if (bytes.number(at, ByteOrder.LITTLE_ENDIAN) != 0) {
                throw refused("it has a parent");
            }
        }
        return bytes.number(0x170, ByteOrder.LITTLE_ENDIAN);
    }

    /** Glance's status for data that it does not take, with the reason beside its words. */
    static ApiException refused(String reason, Object... values) {
        return new ApiException(
                Fault.UNSUPPORTED_MEDIA_TYPE,
                "Image failed safety checks: " + reason.formatted(values) + ".");
    }
}
