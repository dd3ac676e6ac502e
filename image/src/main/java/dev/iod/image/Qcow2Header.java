package dev.iod.image;

import java.io.IOException;
import java.nio.ByteOrder;

/** The header of QEMU's format ({@code docs/interop/qcow2.txt} in QEMU's sources). */
final class Qcow2Header {
    static final String MAGIC = "QFI\u00fb";

    private static final int V2_BYTES = 72;
    private static final int V3_BYTES = 104;
    private static final int MIN_CLUSTER_BITS = 9;
    private static final int MAX_CLUSTER_BITS = 21;

    private static final long CORRUPT = 1 << 1;
    private static final long EXTERNAL_DATA = 1 << 2;

    /** Dirty reference counts, another compression than zlib, and subclusters. */
    private static final long HARMLESS = 1 | 1 << 3 | 1 << 4;

    private static final long END = 0;
    private static final long EXTERNAL_DATA_NAME = 0x44415441;
    private static final long ENCRYPTION = 0x0537be77;

    private Qcow2Header() {}

    /** The size of the disk. */
    static long check(ImageBytes bytes) throws IOException {
        long version = uint(bytes, 4);
        if (version != 2 && version != 3) {
            throw FormatInspector.refused("version %d of qcow2 is not taken", version);
        }
        if (bytes.number(8, ByteOrder.BIG_ENDIAN) != 0 || uint(bytes, 16) != 0) {
            throw FormatInspector.refused("it has a backing file");
        }
        long clusterBits = uint(bytes, 20);
        if (clusterBits < MIN_CLUSTER_BITS || clusterBits > MAX_CLUSTER_BITS) {
            throw FormatInspector.refused("its clusters have 2^%d bytes", clusterBits);
        }
        if (uint(bytes, 32) != 0) {
            throw FormatInspector.refused("it is encrypted");
        }
        long header = version == 2 ? V2_BYTES : uint(bytes, 100);
        long cluster = 1L << clusterBits;
        if (version == 3) {
            checkFeatures(bytes.number(72, ByteOrder.BIG_ENDIAN));
            if (header < V3_BYTES || header > cluster) {
                throw FormatInspector.refused("its header has %d bytes", header);
            }
        }
        checkExtensions(bytes, header, cluster);
        return bytes.number(24, ByteOrder.BIG_ENDIAN);
    }

    private static void checkFeatures(long incompatible) {
        if ((incompatible & EXTERNAL_DATA) != 0) {
            throw FormatInspector.refused("it has an external data file");
        }
        if ((incompatible & CORRUPT) != 0) {
            throw FormatInspector.refused("it is marked as corrupt");
        }
        if ((incompatible & ~HARMLESS) != 0) {
            throw FormatInspector.refused(
                    "it has unknown incompatible features: 0x%x", incompatible & ~HARMLESS);
        }
    }

    private static void checkExtensions(ImageBytes bytes, long start, long end) throws IOException {
        long at = start;
        while (at + 8 <= end) {
            long type = uint(bytes, at);
            if (type == END) {
                return;
            }
            if (type == EXTERNAL_DATA_NAME) {
                throw FormatInspector.refused("it has an external data file");
            }
            if (type == ENCRYPTION) {
                throw FormatInspector.refused("it is encrypted");
            }
            at += 8 + (uint(bytes, at + 4) + 7 & ~7L);
        }
    }

    private static long uint(ImageBytes bytes, long offset) throws IOException {
        return bytes.uint(offset, ByteOrder.BIG_ENDIAN);
    }
}
