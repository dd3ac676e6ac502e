package dev.iod.eswitch.connections;

import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * The connections as engines wrote them when a connection had one tuple, its two ends in numeric
 * order (version 3 of the file): an engine takes them over when it is upgraded. The old file is set
 * aside, read into a new table, and removed; an engine that is killed meanwhile goes on with that.
 */
final class OneTupleFile {
    private static final System.Logger LOG = System.getLogger(OneTupleFile.class.getName());
    private static final long MAGIC = 0x696f_642d_6374_0003L;

    // Row layout, offsets in bytes.
    private static final int ROW = 128;
    private static final int STATE = 0;
    private static final int KIND = 8;
    private static final int PORTS = 12;
    private static final int LOW_END = 16;
    private static final int HIGH_END = 32;
    private static final int EXPIRY = 48;
    private static final int FLAGS = 56;
    private static final int MARK = 60;
    private static final int LABEL_HIGH = 64;
    private static final int LABEL_LOW = 72;
    private static final int WINDOWS = 80;
    private static final int SCALE = 12;
    private static final int SIDE = 24;
    private static final int SENDER = 100;

    private static final int USED = 1;

    // Bits of FLAGS; those of TCP's states are where they were.
    private static final int FROM_LOW = 1;
    private static final int REPLIED = 2;
    private static final int AGAIN = 4;

    private OneTupleFile() {}

    private static Path aside(Path directory) {
        return directory.resolve(ConnectionFile.NAME + ".3");
    }

    /** Makes way for a new file if the one that is there is of version 3 and of this boot. */
    static void setAside(Path directory, long boot) throws IOException {
        Path file = directory.resolve(ConnectionFile.NAME);
        if (Files.exists(file) && Files.size(file) > ConnectionFile.HEADER && isOurs(file, boot)) {
            Files.move(file, aside(directory), StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static boolean isOurs(Path file, long boot) throws IOException {
        try (Mapping mapping = Mapping.file(file, ConnectionFile.HEADER)) {
            long header = mapping.address();
            long rows = Memory.readInt(header + ConnectionFile.CAPACITY);
            return Memory.readLong(header) == MAGIC
                    && Memory.readInt(header + ConnectionFile.ROW) == ROW
                    && Files.size(file) == ConnectionFile.HEADER + rows * ROW
                    && Memory.readLong(header + ConnectionFile.BOOT) == boot;
        }
    }

    /** Gives up what was set aside. @return whether there was something */
    static boolean forget(Path directory) throws IOException {
        return Files.deleteIfExists(aside(directory));
    }

    /** Takes over what was set aside, as far as it makes sense and there is room. */
    static void moveInto(ConnectionTable table, Path directory, long nowMillis) throws IOException {
        Path file = aside(directory);
        if (!Files.exists(file)) {
            return;
        }
        int taken = 0;
        try (Mapping mapping = Mapping.file(file, Files.size(file))) {
            int rows = Memory.readInt(mapping.address() + ConnectionFile.CAPACITY);
            int used = ConnectionFile.fresh(mapping, rows);
            for (int row = 0; row < used && table.free() > 0; row++) {
                long at = mapping.address() + ConnectionFile.HEADER + (long) row * ROW;
                taken += moveRow(table, Memory.base(at), nowMillis) ? 1 : 0;
            }
        }
        Files.delete(file);
        LOG.log(
                System.Logger.Level.INFO,
                "took over " + taken + " connections of an engine whose connections had one tuple");
    }

    private static boolean moveRow(ConnectionTable table, long row, long nowMillis) {
        int flags = Memory.readInt(row + FLAGS);
        boolean fromLow = (flags & FROM_LOW) != 0;
        int kind = Memory.readInt(row + KIND);
        int variant = kind >>> 25;
        Tuple original = new Tuple();
        original.zone = kind & 0xffff;
        original.protocol = kind >>> 16 & 0xff;
        original.ip6 = (kind >>> 24 & 1) != 0;
        original.query = variant >>> 1;
        // Bit 0 says whether the lower end asks, and only who asks begins a connection.
        original.request = original.isIcmp() && fromLow == ((variant & 1) != 0);
        long source = row + (fromLow ? LOW_END : HIGH_END);
        long destination = row + (fromLow ? HIGH_END : LOW_END);
        int ports = Memory.readInt(row + PORTS);
        original.sourceHigh = original.ip6 ? Memory.readLong(source) : 0;
        original.sourceLow = Memory.readLong(source + 8);
        original.sourcePort = fromLow ? ports >>> 16 : ports & 0xffff;
        original.destinationHigh = original.ip6 ? Memory.readLong(destination) : 0;
        original.destinationLow = Memory.readLong(destination + 8);
        original.destinationPort = fromLow ? ports & 0xffff : ports >>> 16;
        Tuple reply = new Tuple();
        reply.mirror(original);
        if (Memory.readInt(row + STATE) != USED
                || !table.mayHold(original, reply, flags)
                || table.find(original, new Lookup())
                || table.find(reply, new Lookup())) {
            return false;
        }
        int known =
                ((flags & REPLIED) != 0 ? ConnectionTable.REPLIED : 0)
                        | ((flags & AGAIN) != 0 ? ConnectionTable.AGAIN : 0)
                        | flags & 0xff << ConnectionTable.TCP_SHIFT;
        for (int side = 0; side < 2; side++) {
            int scale = Memory.readInt(row + WINDOWS + side * SIDE + SCALE) & 0xff;
            known |= scale << ConnectionTable.SCALE_SHIFT + 8 * side;
        }
        long expiry =
                Math.min(
                        Memory.readLong(row + EXPIRY),
                        nowMillis + ConnectionTable.MAX_TIMEOUT_MILLIS);
        int slot = table.add(original, reply, known, Memory.readInt(row + SENDER), expiry);
        table.writeInt(slot, ConnectionTable.MARK, Memory.readInt(row + MARK));
        table.writeLong(slot, ConnectionTable.LABEL_HIGH, Memory.readLong(row + LABEL_HIGH));
        table.writeLong(slot, ConnectionTable.LABEL_LOW, Memory.readLong(row + LABEL_LOW));
        for (int side = 0; side < 2; side++) {
            for (int offset = 0; offset < TcpTracker.SIDE; offset += 4) {
                table.writeInt(
                        slot,
                        ConnectionTable.WINDOWS + side * TcpTracker.SIDE + offset,
                        Memory.readInt(row + WINDOWS + side * SIDE + offset));
            }
        }
        return true;
    }
}
