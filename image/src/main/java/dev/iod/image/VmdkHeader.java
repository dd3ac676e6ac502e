package dev.iod.image;

import java.io.IOException;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The header and the descriptor of VMware's format (Virtual Disk Format 5.0). Taken are disks in
 * one file; QEMU decides by the descriptor what other files belong to a disk.
 */
final class VmdkHeader {
    private static final String SPARSE = "KDMV";
    private static final String ESX_SPARSE = "COWD";
    private static final int SECTOR_BYTES = 512;

    /** QEMU reads the descriptor there and as far, wherever the header says that it is. */
    private static final int DESCRIPTOR_OFFSET = 512;

    private static final int QEMU_DESCRIPTOR_BYTES = 20 * SECTOR_BYTES;
    private static final int MAX_DESCRIPTOR_BYTES = 1 << 20;
    private static final int PROBED_BYTES = 2048;
    private static final long DIRECTORY_AT_END = -1;
    private static final Set<String> ONE_FILE = Set.of("monolithicsparse", "streamoptimized");
    private static final String NO_PARENT = "ffffffff";

    private VmdkHeader() {}

    static boolean isOne(ImageBytes bytes) throws IOException {
        return bytes.startsWith(0, SPARSE)
                || bytes.startsWith(0, ESX_SPARSE)
                || isDescriptor(bytes.text(0, PROBED_BYTES));
    }

    /** As QEMU tells it: comments and empty lines, and then a version. */
    private static boolean isDescriptor(String text) {
        for (String line : text.split("\r?\n", -1)) {
            if (line.matches("(?is) *version *=.*")) {
                return true;
            }
            if (!line.startsWith("#") && !line.isBlank()) {
                return false;
            }
        }
        return false;
    }

    /** The size of the disk. */
    static long check(ImageBytes bytes) throws IOException {
        if (!bytes.startsWith(0, SPARSE)) {
            throw FormatInspector.refused(
                    "its extents are in other files, and only monolithicSparse and streamOptimized are taken");
        }
        long sectors = checkHeader(bytes, 0);
        if (number(bytes, 56) == DIRECTORY_AT_END) {
            // The footer: a marker's sector, a copy of the header, and the marker of the end.
            long footer = bytes.sectorFromEnd(1);
            if (footer <= 0 || !bytes.startsWith(footer, SPARSE)) {
                throw FormatInspector.refused("its footer is missing");
            }
            if (checkHeader(bytes, footer) != sectors) {
                throw FormatInspector.refused("its header and its footer differ");
            }
        }
        long length = Math.max(QEMU_DESCRIPTOR_BYTES, number(bytes, 36) * SECTOR_BYTES);
        checkDescriptor(bytes.text(DESCRIPTOR_OFFSET, (int) length));
        return sectors > FormatInspector.MAX_VIRTUAL_BYTES / SECTOR_BYTES
                ? Long.MAX_VALUE
                : sectors * SECTOR_BYTES;
    }

    /** The size of the disk in sectors, above 0. */
    private static long checkHeader(ImageBytes bytes, long at) throws IOException {
        long version = bytes.uint(at + 4, ByteOrder.LITTLE_ENDIAN);
        if (version < 1 || version > 3) {
            throw FormatInspector.refused("version %d of vmdk is not taken", version);
        }
        long sectors = number(bytes, at + 12);
        if (sectors <= 0) {
            // QEMU would take the descriptor for one of other files.
            throw FormatInspector.refused("its header gives no size");
        }
        long descriptor = number(bytes, at + 28);
        long descriptorSectors = number(bytes, at + 36);
        if (at == 0
                && (descriptor != DESCRIPTOR_OFFSET / SECTOR_BYTES
                        || descriptorSectors <= 0
                        || descriptorSectors > MAX_DESCRIPTOR_BYTES / SECTOR_BYTES)) {
            throw FormatInspector.refused("its descriptor is not where it belongs");
        }
        return sectors;
    }

    private static void checkDescriptor(String padded) {
        int end = padded.indexOf('\0');
        String text = (end < 0 ? padded : padded.substring(0, end)).toLowerCase(Locale.ROOT);
        String type = "";
        List<String> extents = new ArrayList<>();
        for (String line : text.split("\n", -1)) {
            String one = line.strip();
            if (one.isEmpty() || one.startsWith("#") || one.startsWith("ddb")) {
                continue;
            }
            int equals = one.indexOf('=');
            String key = equals < 0 ? "" : one.substring(0, equals).strip();
            if (one.matches("(rw|rdonly|noaccess)\\s.*")) {
                extents.add(one);
            } else if (key.isEmpty() || key.contains(" ")) {
                throw FormatInspector.refused("its descriptor is malformed");
            } else if (key.equals("createtype")) {
                type = one.substring(equals + 1).strip().replace("\"", "");
            } else if (key.equals("parentcid")
                    && !one.substring(equals + 1).strip().equals(NO_PARENT)) {
                throw FormatInspector.refused("it has a parent");
            }
        }
        if (text.contains("parentfilenamehint")) {
            throw FormatInspector.refused("it has a parent");
        }
        if (!ONE_FILE.contains(type)) {
            throw FormatInspector.refused(
                    "only monolithicSparse and streamOptimized of vmdk are taken");
        }
        if (extents.size() != 1
                || !extents.getFirst().matches("(rw|rdonly)\\s+\\d+\\s+sparse\\s+\"[^/\"]*\"")) {
            throw FormatInspector.refused("its descriptor names extents in other files");
        }
    }

    private static long number(ImageBytes bytes, long offset) throws IOException {
        return bytes.number(offset, ByteOrder.LITTLE_ENDIAN);
    }
}
