package dev.iod.ovn;

import dev.iod.ovn.OvnException.Category;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Conntrack zones by the name of what owns them, kept in a file so that connections survive a
 * restart of the agent. The file is a log: {@code zone name} per line, zone 0 for an owner that is
 * gone; it is written anew when it has twice as many lines as there are owners. A zone that was
 * freed is used again only after all others: by then its last connections have expired.
 */
final class Zones {
    private static final int LAST = 65535;
    private static final int SMALL_LINES = 1024;
    private static final System.Logger LOG = System.getLogger(Zones.class.getName());

    private final Path file;
    private final Map<String, Integer> byName = new TreeMap<>();
    private final BitSet used = new BitSet(LAST + 1);
    private int cursor = 1;

    /** What {@link #save} is to append. */
    private final StringBuilder unsaved = new StringBuilder();

    /** Lines of the file. */
    private int lines;

    /** The file is not one that lines can be appended to. */
    private boolean whole = true;

    Zones(Path file) {
        this.file = file;
        used.set(0);
        if (Files.exists(file)) {
            try {
                String text = Files.readString(file);
                text.lines().forEach(this::load);
                whole = !text.endsWith("\n");
            } catch (IOException e) {
                throw new OvnException(
                        Category.CONFIGURATION, "cannot read the zones in " + file, e);
            }
        }
    }

    /** A line that cannot be read is as if it were not there: its owner gets another zone. */
    private void load(String line) {
        int space = line.indexOf(' ');
        lines++;
        try {
            int zone = Integer.parseInt(line.substring(0, Math.max(0, space)));
            if (zone == 0) {
                forget(line.substring(space + 1));
                return;
            }
            if (zone >= 1 && zone <= LAST && !used.get(zone)) {
                used.set(zone);
                byName.put(line.substring(space + 1), zone);
                cursor = Math.max(cursor, zone % LAST + 1);
                return;
            }
        } catch (NumberFormatException e) {
            LOG.log(System.Logger.Level.DEBUG, "zones: " + e.getMessage());
        }
        LOG.log(System.Logger.Level.WARNING, file + ": ignored \"" + line + "\"");
    }

    /** The zone of an owner, 1 to 65535, the same each time. */
    int of(String owner) {
        Integer known = byName.get(owner);
        if (known != null) {
            return known;
        }
        int zone = used.nextClearBit(cursor);
        if (zone > LAST) {
            zone = used.nextClearBit(1);
        }
        if (zone > LAST) {
            throw new OvnException(Category.LIMIT, "all " + LAST + " conntrack zones are in use");
        }
        used.set(zone);
        cursor = zone % LAST + 1;
        byName.put(owner, zone);
        note(zone, owner);
        return zone;
    }

    /** Frees the zones of all other owners. */
    void retain(Set<String> owners) {
        for (String owner : new ArrayList<>(byName.keySet())) {
            if (!owners.contains(owner)) {
                free(owner);
            }
        }
    }

    /** Frees the zone of an owner that is gone. */
    void free(String owner) {
        if (forget(owner)) {
            note(0, owner);
        }
    }

    private boolean forget(String owner) {
        Integer zone = byName.remove(owner);
        if (zone != null) {
            used.clear(zone);
        }
        return zone != null;
    }

    private void note(int zone, String owner) {
        unsaved.append(zone).append(' ').append(owner).append('\n');
        lines++;
    }

    /** Writes the file if anything changed; a failure is logged and tried again next time. */
    void save() {
        if (unsaved.isEmpty()) {
            return;
        }
        try {
            if (whole || lines > 2 * byName.size() + SMALL_LINES) {
                rewrite();
            } else {
                Files.writeString(file, unsaved, StandardOpenOption.APPEND);
            }
            unsaved.setLength(0);
        } catch (IOException e) {
            // A part of the lines may have been written.
            whole = true;
            LOG.log(System.Logger.Level.WARNING, "cannot keep the conntrack zones", e);
        }
    }

    private void rewrite() throws IOException {
        var text = new StringBuilder();
        byName.forEach((owner, zone) -> text.append(zone).append(' ').append(owner).append('\n'));
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(fresh, text);
        try {
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
        }
        lines = byName.size();
        whole = false;
    }
}
