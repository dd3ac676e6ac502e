package dev.iod.dpu;

import dev.iod.dpu.DpuException.Category;
import dev.iod.runtime.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The engine's numbers of our devices, in a file: a restarted agent must call a device by the
 * number the running engine knows, or the guest would see its carrier drop. Safe for any thread.
 */
final class DeviceIds {
    /** The most devices of one node. */
    static final int LIMIT = 4096;

    private final Path file;
    private final Map<String, Integer> ids;

    private DeviceIds(Path file, Map<String, Integer> ids) {
        this.file = file;
        this.ids = ids;
    }

    static DeviceIds open(Path file) {
        Map<String, Integer> ids = new TreeMap<>();
        Set<Integer> seen = new HashSet<>();
        try {
            if (Files.exists(file)) {
                for (String line : Files.readAllLines(file)) {
                    String[] words = line.split(" ", -1);
                    if (words.length == 2 && words[1].matches("[1-9]\\d{0,3}")) {
                        int id = Integer.parseInt(words[1]);
                        if (id <= LIMIT && seen.add(id)) {
                            ids.put(words[0], id);
                        }
                    }
                }
            }
        } catch (IOException e) {
            throw new DpuException(Category.NODE, "cannot read " + file + ": " + e, e);
        }
        return new DeviceIds(file, ids);
    }

    /** The number of this device, 1 to {@value #LIMIT}; a new one is on disk before it is used. */
    synchronized int of(String name) {
        Integer known = ids.get(name);
        if (known != null) {
            return known;
        }
        Set<Integer> taken = new HashSet<>(ids.values());
        for (int id = 1; id <= LIMIT; id++) {
            if (!taken.contains(id)) {
                ids.put(name, id);
                write();
                return id;
            }
        }
        throw new DpuException(Category.GOAL, "this node has its " + LIMIT + " devices already");
    }

    synchronized void release(String name) {
        if (ids.remove(name) != null) {
            write();
        }
    }

    private void write() {
        StringBuilder text = new StringBuilder();
        ids.forEach((name, id) -> text.append(name).append(' ').append(id).append('\n'));
        try {
            AtomicFile.replace(file, text.toString().getBytes(StandardCharsets.UTF_8), "rw-------");
        } catch (IOException e) {
            throw new DpuException(Category.NODE, "cannot write " + file + ": " + e, e);
        }
    }
}
