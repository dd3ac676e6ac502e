package dev.iod.dpu;

import dev.iod.dpu.DpuException.Category;
import dev.iod.runtime.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What was last done to each server, in a file, so that an agent that is killed between two steps
 * neither forgets nor repeats one: written before a machine is started and after it was seen to
 * run. Used by the reconciler's thread alone; bounded by the servers of the goal.
 */
final class Ledger {
    /** How far the present generation of a server got. */
    enum Phase {
        /** Is to be started, or is starting. */
        STARTING,
        /** Was seen running: if it is not now, somebody stopped it. */
        RAN,
        /** Was stopped because the goal says so. */
        OFF
    }

    /** The generations acted on, and how far. */
    record Entry(long boot, long softReboot, Phase phase) {
        boolean isOf(long goalBoot, long goalSoftReboot) {
            return boot == goalBoot && softReboot == goalSoftReboot;
        }

        Entry in(Phase next) {
            return new Entry(boot, softReboot, next);
        }
    }

    private final Path file;
    private final Map<String, Entry> entries;

    private Ledger(Path file, Map<String, Entry> entries) {
        this.file = file;
        this.entries = entries;
    }

    /**
     * Reads the file; a missing one is empty. Lines that make no sense are as if they were not
     * there.
     */
    static Ledger open(Path file) {
        Map<String, Entry> entries = new TreeMap<>();
        try {
            if (Files.exists(file)) {
                for (String line : Files.readAllLines(file)) {
                    String[] words = line.split(" ", -1);
                    if (words.length == 4) {
                        parse(words).ifPresent(entry -> entries.put(words[0], entry));
                    }
                }
            }
        } catch (IOException e) {
            throw new DpuException(Category.NODE, "cannot read " + file + ": " + e, e);
        }
        return new Ledger(file, entries);
    }

    Optional<Entry> entry(String server) {
        return Optional.ofNullable(entries.get(server));
    }

    /** Durable when it returns. */
    void put(String server, Entry entry) {
        if (!entry.equals(entries.put(server, entry))) {
            write();
        }
    }

    void remove(String server) {
        if (entries.remove(server) != null) {
            write();
        }
    }

    private static Optional<Entry> parse(String[] words) {
        try {
            return Optional.of(
                    new Entry(
                            Long.parseLong(words[1]),
                            Long.parseLong(words[2]),
                            Phase.valueOf(words[3])));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private void write() {
        StringBuilder text = new StringBuilder();
        entries.forEach(
                (server, e) ->
                        text.append(server)
                                .append(' ')
                                .append(e.boot)
                                .append(' ')
                                .append(e.softReboot)
                                .append(' ')
                                .append(e.phase)
                                .append('\n'));
        try {
            AtomicFile.replace(file, text.toString().getBytes(StandardCharsets.UTF_8), "rw-------");
        } catch (IOException e) {
            throw new DpuException(Category.NODE, "cannot write " + file + ": " + e, e);
        }
    }
}
