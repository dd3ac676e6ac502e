package dev.iod.ovn;

import dev.iod.ovn.OvnException.Category;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Conntrack zones by the name of what owns them, kept in a file ({@code zone name} per line) so
 * that connections survive a restart of the agent. A zone that was freed is used again only after
 * all others: by then its last connections have expired.
 */
final class Zones {
    private static final int LAST = 65535;
    private static final System.Logger LOG = System.getLogger(Zones.class.getName());

    private final Path file;
    private final Map<String, Integer> byName = new TreeMap<>();
    private final BitSet used = new BitSet(LAST + 1);
    private int cursor = 1;
    private boolean changed;

    Zones(Path file) {
        this.file = file;
        used.set(0);
        if (Files.exists(file)) {
            try {
                Files.readAllLines(file, StandardCharsets.UTF_8).forEach(this::load);
            } catch (IOException e) {
                throw new OvnException(
                        Category.CONFIGURATION, "cannot read the zones in " + file, e);
            }
        }
    }

    /** A line that cannot be read is as if it were not there: its owner gets another zone. */
    private void load(String line) {
        int space = line.indexOf(' ');
        try {
            int zone = Integer.parseInt(line.substring(0, Math.max(0, space)));
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
        changed = true;
        return zone;
    }

    /** Frees the zones of all other owners. */
    void retain(Set<String> owners) {
        for (String owner : new ArrayList<>(byName.keySet())) {
            if (!owners.contains(owner)) {
                Integer zone = byName.remove(owner);
                if (zone != null) {
                    used.clear(zone);
                }
                changed = true;
            }
        }
    }

    /** Writes the file if anything changed; a failure is logged and tried again next time. */
    void save() {
        if (!changed) {
            return;
        }
        var text = new StringBuilder();
        byName.forEach((owner, zone) -> text.append(zone).append(' ').append(owner).append('\n'));
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.writeString(fresh, text);
            try {
                Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
            }
            changed = false;
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "cannot keep the conntrack zones", e);
        }
    }
}
