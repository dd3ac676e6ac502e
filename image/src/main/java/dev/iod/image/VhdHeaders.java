package dev.iod.image;

import java.io.IOException;
import java.nio.ByteOrder;

/**
 * The headers of Microsoft's formats: Virtual Hard Disk Image Format Specification 1.0, and
 * [MS-VHDX].
 */
final class VhdHeaders {
    private static final String COOKIE = "conectix";
    private static final int FOOTER_BYTES = 512;

    /** Of Virtual PC before 2004. */
    private static final int OLD_FOOTER_BYTES = 511;

    private static final int FIXED = 2;
    private static final int DYNAMIC = 3;

    private static final long REGION_TABLE = 192 << 10;
    private static final int MAX_ENTRIES = 2047;

    // As the bytes of the two GUIDs' numbers are in the file.
    private static final Guid METADATA = new Guid(0x4b9a_4790_8b7c_a206L, 0x6e88_0f05_5f57_feb8L);
    private static final Guid DISK_SIZE = new Guid(0x4876_cd1b_2fa5_4224L, 0xb8f4_3bd8_be5d_11b2L);
    private static final Guid PARAMETERS = new Guid(0x4d43_fa36_caa1_6737L, 0x6be7_44aa_f033_b6b3L);
    private static final Guid PARENT = new Guid(0x454d_b30b_a8d3_5f2dL, 0x0cab_3448_d8d3_f7abL);

    private record Guid(long low, long high) {}

    private VhdHeaders() {}

    /**
     * A copy of the footer is at the beginning unless the disk is fixed. Readers differ in where
     * the end of a file is that ends within a sector; for one of them it may be a disk.
     */
    static boolean isVhd(ImageBytes bytes) throws IOException {
        return bytes.startsWith(0, COOKIE)
                || bytes.startsWith(bytes.sectorFromEnd(0), COOKIE)
                || bytes.startsWith(bytes.size() - FOOTER_BYTES, COOKIE)
                || bytes.startsWith(bytes.size() - OLD_FOOTER_BYTES, COOKIE);
    }

    /** The size of the disk. */
    static long checkVhd(ImageBytes bytes) throws IOException {
        // QEMU reads the beginning first.
        boolean copied = bytes.startsWith(0, COOKIE);
        long footer = copied ? 0 : bytes.sectorFromEnd(0);
        if (!bytes.startsWith(footer, COOKIE)) {
            throw FormatInspector.refused("its footer is not where it belongs");
        }
        long type = bytes.uint(footer + 60, ByteOrder.BIG_ENDIAN);
        if (type != FIXED && type != DYNAMIC) {
            throw FormatInspector.refused(
                    "only fixed and dynamic disks of format vhd are taken, not type %d", type);
        }
        return bytes.number(footer + 48, ByteOrder.BIG_ENDIAN);
    }

    /** The size of the disk. */
    static long checkVhdx(ImageBytes bytes) throws IOException {
        if (!bytes.startsWith(REGION_TABLE, "regi")) {
            throw FormatInspector.refused("its region table is missing");
        }
        long count = bytes.uint(REGION_TABLE + 8, ByteOrder.LITTLE_ENDIAN);
        long entry = entry(bytes, REGION_TABLE + 16, count, METADATA);
        long metadata = entry < 0 ? 0 : bytes.number(entry + 16, ByteOrder.LITTLE_ENDIAN);
        if (!bytes.startsWith(metadata, "metadata")) {
            throw FormatInspector.refused("its metadata are missing");
        }
        long items = bytes.uint(metadata + 8, ByteOrder.LITTLE_ENDIAN) >> 16;
        long table = metadata + 32;
        long parameters = item(bytes, metadata, entry(bytes, table, items, PARAMETERS));
        boolean child = (bytes.uint(parameters + 4, ByteOrder.LITTLE_ENDIAN) & 2) != 0;
        if (child || entry(bytes, table, items, PARENT) >= 0) {
            throw FormatInspector.refused("it has a parent");
        }
        return bytes.number(
                item(bytes, metadata, entry(bytes, table, items, DISK_SIZE)),
                ByteOrder.LITTLE_ENDIAN);
    }

    private static long item(ImageBytes bytes, long metadata, long entry) throws IOException {
        if (entry < 0) {
            throw FormatInspector.refused("its metadata lack what a disk needs");
        }
        return metadata + bytes.uint(entry + 16, ByteOrder.LITTLE_ENDIAN);
    }

    /** Where the entry of 32 bytes begins, or -1. */
    private static long entry(ImageBytes bytes, long table, long count, Guid guid)
            throws IOException {
        if (count > MAX_ENTRIES) {
            throw FormatInspector.refused("a table of its has %d entries", count);
        }
        for (long at = table; at < table + count * 32; at += 32) {
            Guid found =
                    new Guid(
                            bytes.number(at, ByteOrder.LITTLE_ENDIAN),
                            bytes.number(at + 8, ByteOrder.LITTLE_ENDIAN));
            if (found.equals(guid)) {
                return at;
            }
        }
        return -1;
    }
}
