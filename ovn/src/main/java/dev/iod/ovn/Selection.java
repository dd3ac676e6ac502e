package dev.iod.ovn;

import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Which rows of the southbound database to replicate, given what is known: those of the local
 * datapaths, and the ports by which more of them may be found. Belongs to the chassis' thread.
 */
final class Selection {
    /** Tables whose rows lead to more rows. */
    private static final Set<String> LEADING =
            Set.of("Port_Binding", "Datapath_Binding", "Logical_DP_Group");

    private final Model model;
    private final LocalDatapaths local;
    private final Derivations<Wish> wishes = new Derivations<>(this::make, this::take);
    private final TreeMap<String, Integer> ports = new TreeMap<>();
    private final TreeSet<UUID> groups = new TreeSet<>();
    private final Map<String, List<Condition>> selected = new HashMap<>();
    private boolean stale = true;

    /** A row to ask for beside those of local datapaths. */
    private sealed interface Wish {
        record Port(String name) implements Wish {}

        record Group(UUID uuid) implements Wish {}
    }

    Selection(Model model, LocalDatapaths local) {
        this.model = model;
        this.local = local;
    }

    void changed(Fact fact) {
        switch (fact) {
            case Fact.Row(String table, UUID uuid)
                    when table.equals("Logical_DP_Group") || table.equals("Port_Binding") ->
                    wishes.touch(fact);
            case Fact.Plugged ignored -> wishes.touch(fact);
            case Fact.Self ignored -> stale = true;
            case Fact.Datapath ignored -> stale = true;
            default -> {}
        }
        wishes.changed(fact);
    }

    private Optional<Wish> make(Fact source, Optional<Wish> before, Consumer<Fact> reads) {
        return switch (source) {
            case Fact.Plugged(String port) -> unknown(port, reads);
            case Fact.Row(String table, UUID uuid) ->
                    table.equals("Port_Binding") ? peer(uuid, reads) : group(uuid, reads);
            default -> throw new IllegalArgumentException("no source of rows: " + source);
        };
    }

    /** A plugged port is asked for by name until its row, and with it its datapath, is here. */
    private Optional<Wish> unknown(String port, Consumer<Fact> reads) {
        if (!local.isPlugged(port)) {
            return Optional.empty();
        }
        reads.accept(new Fact.PortKey(port));
        return model.port(port).isPresent() ? Optional.empty() : Optional.of(new Wish.Port(port));
    }

    /** The other end of a patch port on a local datapath, while it is not on one itself. */
    private Optional<Wish> peer(UUID uuid, Consumer<Fact> reads) {
        Optional<Row> port = model.row("Port_Binding", uuid);
        Optional<String> peer = port.flatMap(Model::peer);
        if (port.isEmpty() || peer.isEmpty() || !isLocal(port.get().ref("datapath"), reads)) {
            return Optional.empty();
        }
        reads.accept(new Fact.PortKey(peer.get()));
        return model.port(peer.get()).filter(p -> isLocal(p.ref("datapath"), reads)).isPresent()
                ? Optional.empty()
                : Optional.of(new Wish.Port(peer.get()));
    }

    private Optional<Wish> group(UUID uuid, Consumer<Fact> reads) {
        for (Row group : model.row("Logical_DP_Group", uuid).stream().toList()) {
            for (UUID datapath : group.refs("datapaths")) {
                if (isLocal(datapath, reads)) {
                    return Optional.of(new Wish.Group(uuid));
                }
            }
        }
        return Optional.empty();
    }

    private boolean isLocal(UUID datapath, Consumer<Fact> reads) {
        reads.accept(new Fact.Datapath(datapath));
        return local.contains(datapath);
    }

    private void take(Fact source, Optional<Wish> before, Optional<Wish> after) {
        if (!before.equals(after)) {
            stale = true;
            before.ifPresent(wish -> count(wish, -1));
            after.ifPresent(wish -> count(wish, 1));
        }
    }

    private void count(Wish wish, int by) {
        switch (wish) {
            case Wish.Port(String name) -> {
                if (ports.merge(name, by, Integer::sum) == 0) {
                    ports.remove(name);
                }
            }
            case Wish.Group(UUID uuid) -> {
                if (by > 0) {
                    groups.add(uuid);
                } else {
                    groups.remove(uuid);
                }
            }
        }
    }

    /**
     * The conditions to ask for now, by table, that are others than before. The server looks at
     * every row of a table whose conditions change: the large tables are asked for once, when the
     * small ones have said which datapaths are local and in which groups.
     *
     * @param settled the rows of all conditions so far are here
     */
    Map<String, List<Condition>> changes(boolean settled) {
        wishes.run();
        if (!stale) {
            return Map.of();
        }
        var changes = new HashMap<>(conditions());
        changes.entrySet().removeIf(entry -> entry.getValue().equals(selected.get(entry.getKey())));
        if (!settled || changes.keySet().stream().anyMatch(LEADING::contains)) {
            changes.keySet().retainAll(LEADING);
        } else {
            stale = false;
        }
        selected.putAll(changes);
        return changes;
    }

    private Map<String, List<Condition>> conditions() {
        var byDatapath = new ArrayList<Condition>();
        var included = new ArrayList<Condition>();
        var own = new ArrayList<Condition>();
        var flows = new ArrayList<Condition>();
        for (UUID datapath : new TreeSet<>(local.all())) {
            byDatapath.add(Condition.equal("datapath", Value.of(datapath)));
            included.add(Condition.includes("datapaths", Value.of(datapath)));
            own.add(Condition.uuid(datapath));
            flows.add(Condition.equal("logical_datapath", Value.of(datapath)));
        }
        groups.forEach(group -> flows.add(Condition.equal("logical_dp_group", Value.of(group))));
        var ofPorts = new ArrayList<>(byDatapath);
        ports.keySet()
                .forEach(name -> ofPorts.add(Condition.equal("logical_port", Value.of(name))));
        // Ports bound here by an earlier life of this chassis, to release them.
        model.self().ifPresent(uuid -> ofPorts.add(Condition.equal("chassis", Value.of(uuid))));
        return Map.of(
                "Port_Binding", ofPorts,
                "Datapath_Binding", own,
                "Logical_DP_Group", included,
                "Logical_Flow", flows,
                "Multicast_Group", byDatapath,
                "MAC_Binding", byDatapath,
                "Static_MAC_Binding", byDatapath);
    }
}
