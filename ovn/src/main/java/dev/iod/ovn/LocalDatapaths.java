package dev.iod.ovn;

import dev.iod.ovsdb.Row;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * The datapaths that are local: a plugged port is on them, or patch ports lead to them from one
 * that is. Kept by difference: a new port or patch is followed from where it is; when one goes,
 * only what was reached through it is looked at again. Belongs to the chassis' thread.
 */
final class LocalDatapaths {
    private final Model model;
    private final Set<String> plugged = new HashSet<>();
    private final Set<UUID> local = new HashSet<>();

    /** Datapaths of the plugged ports whose rows are here. */
    private final Map<String, UUID> roots = new HashMap<>();

    private final Map<UUID, Integer> rootCounts = new HashMap<>();

    /** Where patch ports lead, by their rows. */
    private final Map<UUID, Patch> patches = new HashMap<>();

    private final Map<UUID, Map<UUID, Integer>> outgoing = new HashMap<>();
    private final Map<UUID, Map<UUID, Integer>> incoming = new HashMap<>();

    /** Datapaths that lost a reason to be local, or got one, since the last {@link #settle}. */
    private final Set<UUID> weakened = new HashSet<>();

    private final Set<UUID> strengthened = new HashSet<>();

    private record Patch(UUID from, UUID to) {}

    LocalDatapaths(Model model) {
        this.model = model;
    }

    boolean isPlugged(String port) {
        return plugged.contains(port);
    }

    boolean contains(UUID datapath) {
        return local.contains(datapath);
    }

    /** The row of a datapath when it is local. */
    Optional<Row> row(UUID datapath, Consumer<Fact> reads) {
        reads.accept(new Fact.Datapath(datapath));
        return contains(datapath) ? model.row("Datapath_Binding", datapath) : Optional.empty();
    }

    Set<UUID> all() {
        return Collections.unmodifiableSet(local);
    }

    void plug(String port) {
        plugged.add(port);
        root(port);
    }

    void unplug(String port) {
        plugged.remove(port);
        root(port);
    }

    /** Takes note of a change; {@link #settle} says what follows. */
    void changed(Fact fact) {
        switch (fact) {
            case Fact.PortKey(String name) -> {
                root(name);
                model.patchesTo(name).forEach(patch -> patch(patch.uuid()));
            }
            case Fact.Row(String table, UUID uuid) when table.equals("Port_Binding") -> patch(uuid);
            default -> {}
        }
    }

    private void root(String port) {
        Optional<UUID> now =
                plugged.contains(port)
                        ? model.port(port).map(row -> row.ref("datapath"))
                        : Optional.empty();
        Optional<UUID> before = Optional.ofNullable(roots.get(port));
        if (now.equals(before)) {
            return;
        }
        before.ifPresent(
                datapath -> {
                    roots.remove(port);
                    count(rootCounts, datapath, -1);
                    weakened.add(datapath);
                });
        now.ifPresent(
                datapath -> {
                    roots.put(port, datapath);
                    count(rootCounts, datapath, 1);
                    strengthened.add(datapath);
                });
    }

    private void patch(UUID uuid) {
        Optional<Row> row = model.row("Port_Binding", uuid);
        Optional<Patch> now =
                row.flatMap(Model::peer)
                        .flatMap(model::port)
                        .map(
                                peer ->
                                        new Patch(
                                                row.orElseThrow().ref("datapath"),
                                                peer.ref("datapath")));
        Optional<Patch> before = Optional.ofNullable(patches.get(uuid));
        if (now.equals(before)) {
            return;
        }
        before.ifPresent(
                patch -> {
                    patches.remove(uuid);
                    link(patch, -1);
                    weakened.add(patch.to());
                });
        now.ifPresent(
                patch -> {
                    patches.put(uuid, patch);
                    link(patch, 1);
                    strengthened.add(patch.to());
                });
    }

    private void link(Patch patch, int by) {
        link(outgoing, patch.from(), patch.to(), by);
        link(incoming, patch.to(), patch.from(), by);
    }

    private static void link(Map<UUID, Map<UUID, Integer>> links, UUID a, UUID b, int by) {
        Map<UUID, Integer> ends = links.computeIfAbsent(a, d -> new HashMap<>(2));
        count(ends, b, by);
        if (ends.isEmpty()) {
            links.remove(a);
        }
    }

    private static void count(Map<UUID, Integer> counts, UUID of, int by) {
        if (counts.merge(of, by, Integer::sum) == 0) {
            counts.remove(of);
        }
    }

    /** Brings the set up to date and tells which datapaths came or went. */
    void settle(Consumer<Fact> facts) {
        if (weakened.isEmpty() && strengthened.isEmpty()) {
            return;
        }
        Set<UUID> doubtful = reached(weakened);
        local.removeAll(doubtful);
        var came = new HashSet<UUID>();
        var next = new ArrayDeque<UUID>();
        doubtful.stream().filter(this::supported).forEach(next::add);
        strengthened.stream().filter(this::supported).forEach(next::add);
        while (!next.isEmpty()) {
            UUID datapath = next.remove();
            if (local.add(datapath)) {
                came.add(datapath);
                next.addAll(ends(outgoing, datapath));
            }
        }
        weakened.clear();
        strengthened.clear();
        for (UUID datapath : doubtful) {
            if (!came.remove(datapath)) {
                facts.accept(new Fact.Datapath(datapath));
            }
        }
        came.forEach(datapath -> facts.accept(new Fact.Datapath(datapath)));
    }

    /** Local datapaths among these, and those that patches lead to from there. */
    private Set<UUID> reached(Set<UUID> from) {
        var found = new HashSet<UUID>();
        var next = new ArrayDeque<UUID>(from);
        while (!next.isEmpty()) {
            UUID datapath = next.remove();
            if (local.contains(datapath) && found.add(datapath)) {
                next.addAll(ends(outgoing, datapath));
            }
        }
        return found;
    }

    private boolean supported(UUID datapath) {
        return rootCounts.containsKey(datapath)
                || ends(incoming, datapath).stream().anyMatch(local::contains);
    }

    private static Collection<UUID> ends(Map<UUID, Map<UUID, Integer>> links, UUID datapath) {
        return links.getOrDefault(datapath, Map.of()).keySet();
    }
}
