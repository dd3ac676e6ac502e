package dev.iod.ovn;

import dev.iod.ovn.FlowCompiler.Compiled;
import dev.iod.ovn.FlowCompiler.Datapath;
import dev.iod.ovsdb.Row;
import dev.iod.pipeline.Entity;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Works out what the engine should hold, from the southbound rows and the agent's devices: each
 * row, set and device by itself, and again when a fact changes that it was made from (see {@link
 * Derivations}). Belongs to the chassis' thread.
 */
final class StateBuilder {
    private static final System.Logger LOG = System.getLogger(StateBuilder.class.getName());

    /** Tables of whose rows entities are made. */
    private static final Set<String> TABLES =
            Set.of(
                    "Datapath_Binding",
                    "Port_Binding",
                    "Logical_DP_Group",
                    "Multicast_Group",
                    "MAC_Binding",
                    "Static_MAC_Binding",
                    "Logical_Flow");

    private final Model model;
    private final LocalDatapaths local;
    private final LogicalPorts.Devices devices;
    private final LogicalPorts ports;
    private final Zones zones;
    private final FlowCompiler flows;
    private final Wanted wanted;
    private final Derivations<Result> results = new Derivations<>(this::make, new Taken());

    private final Map<Fact, Chassis.Refused> refused = new LinkedHashMap<>();
    private final Map<Fact, LocalService> services = new LinkedHashMap<>();
    private List<Chassis.Refused> namedRefused = List.of();
    private Set<LocalService> namedServices = Set.of();
    private final Map<String, Integer> zoneOwners = new HashMap<>();

    private final Map<UUID, Integer> groupNumbers = new HashMap<>();
    private final Map<Integer, UUID> numberedGroups = new HashMap<>();
    private int lastGroup;
    private DhcpOptions dhcp = DhcpOptions.NONE;
    private boolean dhcpChanged = true;

    // What the present run is to look at in its end, when all that came and went is known.
    private final Set<String> freedZones = new HashSet<>();
    private final Set<String> movedPorts = new HashSet<>();
    private final Set<UUID> leftGroups = new HashSet<>();
    private boolean pruning = true;

    /** What is made of one source. */
    private sealed interface Result {
        List<? extends Entity> entities();

        /** Rows of the engine and nothing else. */
        record Plain(List<Entity> entities) implements Result {}

        /**
         * @param zones owners of the conntrack zones it uses
         */
        record OfDatapath(Entity.Datapath entity, List<String> zones) implements Result {
            @Override
            public List<Entity> entities() {
                return List.of(entity);
            }
        }

        record OfPort(LogicalPorts.Port port) implements Result {
            @Override
            public List<Entity> entities() {
                return List.of(port.entity());
            }
        }

        /**
         * @param entities the group, once a flow uses it
         */
        record OfGroup(List<Datapath> members, List<Entity> entities) implements Result {}

        record OfFlow(Compiled compiled) implements Result {
            @Override
            public List<Entity.Rule> entities() {
                return compiled.rules();
            }
        }
    }

    StateBuilder(
            Model model,
            LocalDatapaths local,
            LogicalPorts.Devices devices,
            Binder binder,
            Zones zones,
            Wanted wanted) {
        this.model = model;
        this.local = local;
        this.devices = devices;
        this.ports = new LogicalPorts(model, local, devices, binder, zones);
        this.zones = zones;
        this.wanted = wanted;
        this.flows = new FlowCompiler(model);
    }

    /** What was made of this fact, or with it, is to be made again by the next run. */
    void changed(Fact fact) {
        switch (fact) {
            case Fact.Row(String table, UUID uuid) when TABLES.contains(table) ->
                    results.touch(fact);
            case Fact.Plugged ignored -> results.touch(fact);
            case Fact.Provided ignored -> results.touch(fact);
            case Fact.Dhcp ignored -> dhcpChanged = true;
            default -> {}
        }
        results.changed(fact);
    }

    /** The next run makes everything again, and frees what nothing needs. */
    void touchAll() {
        results.touchAll();
        for (String table : TABLES) {
            model.rows(table).forEach(row -> results.touch(new Fact.Row(table, row.uuid())));
        }
        devices.ports().keySet().forEach(port -> results.touch(new Fact.Plugged(port)));
        devices.services().keySet().forEach(port -> results.touch(new Fact.Provided(port)));
        dhcpChanged = true;
        pruning = true;
    }

    /** Whether a run would change nothing. */
    boolean isIdle() {
        return results.isIdle() && !dhcpChanged && !pruning;
    }

    /** Brings everything up to date. */
    void run() {
        readDhcp();
        // Flows need the members of their groups, and take over numbers from groups that are gone.
        results.run(source -> isRow(source, "Logical_DP_Group"));
        do {
            results.run();
            dropUnusedGroups();
        } while (!results.isIdle());
        moveLocations();
        if (pruning) {
            pruning = false;
            zones.retain(zoneOwners.keySet());
        }
        for (String owner : freedZones) {
            if (!zoneOwners.containsKey(owner)) {
                zones.free(owner);
            }
        }
        freedZones.clear();
        zones.save();
    }

    /** Only adds plugged devices, to which no port leads yet. */
    void runPlugged() {
        results.run(
                source ->
                        source instanceof Fact.Plugged(String port)
                                && devices.ports().containsKey(port));
    }

    /**
     * Flows and ports that are not executed as they say, at most {@link Chassis#REFUSED_LIMIT}; the
     * same object as long as nothing changed.
     */
    List<Chassis.Refused> refused() {
        if (namedRefused.isEmpty() && !refused.isEmpty()) {
            namedRefused = refused.values().stream().limit(Chassis.REFUSED_LIMIT).toList();
        }
        return namedRefused;
    }

    int refusedCount() {
        return refused.size();
    }

    /** All local services; the same object as long as nothing changed. */
    Set<LocalService> services() {
        if (namedServices.isEmpty() && !services.isEmpty()) {
            namedServices = Collections.unmodifiableSet(new LinkedHashSet<>(services.values()));
        }
        return namedServices;
    }

    private static boolean isRow(Fact fact, String table) {
        return fact instanceof Fact.Row row && row.table().equals(table);
    }

    private void readDhcp() {
        if (!dhcpChanged) {
            return;
        }
        dhcpChanged = false;
        var options = new TreeMap<String, DhcpOptions.Definition>();
        for (Row row : model.rows("DHCP_Options")) {
            options.put(
                    row.text("name"),
                    new DhcpOptions.Definition((int) row.integer("code"), row.text("type")));
        }
        dhcp = new DhcpOptions(options);
        flows.dhcp(dhcp);
    }

    private Optional<Result> make(Fact source, Optional<Result> before, Consumer<Fact> reads) {
        return switch (source) {
            case Fact.Row(String table, UUID uuid) ->
                    model.row(table, uuid).flatMap(row -> make(row, before, reads));
            case Fact.Set(Sets.Used used) ->
                    results.isRead(source)
                            ? Optional.of(new Result.Plain(set(used, reads)))
                            : Optional.empty();
            case Fact.GroupPart(UUID uuid) -> groupPart(uuid, source, reads);
            case Fact.Plugged(String port) -> plain(Optional.ofNullable(devices.ports().get(port)));
            case Fact.Provided(String port) ->
                    plain(Optional.ofNullable(devices.services().get(port)));
            default -> throw new IllegalArgumentException("no source of entities: " + source);
        };
    }

    private Optional<Result> groupPart(UUID uuid, Fact source, Consumer<Fact> reads) {
        if (!results.isRead(source)) {
            return Optional.empty();
        }
        reads.accept(new Fact.Row("Port_Group", uuid));
        return model.row("Port_Group", uuid)
                .map(row -> new Result.Plain(Sets.part(row, model, reads)));
    }

    /** Members of a port group are made of its rows, each by itself. */
    private List<Entity> set(Sets.Used used, Consumer<Fact> reads) {
        return switch (used.kind()) {
            case ADDRESS_SET -> Sets.addresses(used, model, reads);
            case PORT_GROUP -> {
                Sets.readParts(used.name(), model, reads);
                yield List.of();
            }
        };
    }

    private Optional<Result> make(Row row, Optional<Result> before, Consumer<Fact> reads) {
        return switch (row.table()) {
            case "Datapath_Binding" -> datapath(row, reads);
            case "Port_Binding" -> ports.make(row, reads).map(Result.OfPort::new);
            case "Logical_DP_Group" -> group(row, reads);
            case "Multicast_Group" -> plain(multicastGroup(row, reads));
            case "MAC_Binding", "Static_MAC_Binding" -> plain(neighbor(row, reads));
            case "Logical_Flow" -> flow(row, before, reads);
            default -> throw new IllegalArgumentException("no source of entities: " + row);
        };
    }

    private static Optional<Result> plain(Optional<? extends Entity> entity) {
        return entity.map(one -> new Result.Plain(List.of(one)));
    }

    /** Keeps account of results that came, changed or went. */
    private final class Taken implements Derivations.Taker<Result> {
        @Override
        public void take(Fact source, Optional<Result> before, Optional<Result> after) {
            wanted.replace(source, entities(before), entities(after));
            after.ifPresent(StateBuilder.this::hold);
            before.ifPresent(StateBuilder.this::release);
            if (keep(refused, source, after.flatMap(StateBuilder::refusal))) {
                namedRefused = List.of();
            }
            if (keep(services, source, after.flatMap(StateBuilder::service))) {
                namedServices = Set.of();
            }
            if (source instanceof Fact.Row row && !members(before).equals(members(after))) {
                results.changed(new Fact.Members(row.uuid()));
            }
        }

        /** Value sets and groups are there as long as flows use them. */
        @Override
        public void read(Fact fact, boolean now) {
            switch (fact) {
                case Fact.Set ignored -> results.touch(fact);
                case Fact.GroupPart ignored -> results.touch(fact);
                case Fact.Members(UUID group) when !now -> leftGroups.add(group);
                default -> {}
            }
        }
    }

    /** Sets or removes; whether that changed anything. */
    private static <T> boolean keep(Map<Fact, T> map, Fact source, Optional<T> now) {
        Optional<T> before = Optional.ofNullable(map.get(source));
        now.ifPresentOrElse(value -> map.put(source, value), () -> map.remove(source));
        return !now.equals(before);
    }

    private static List<? extends Entity> entities(Optional<Result> result) {
        return result.isPresent() ? result.get().entities() : List.of();
    }

    private static List<Datapath> members(Optional<Result> result) {
        return result.isPresent() && result.get() instanceof Result.OfGroup group
                ? group.members()
                : List.of();
    }

    private static Optional<Chassis.Refused> refusal(Result result) {
        return switch (result) {
            case Result.OfPort(LogicalPorts.Port port) -> port.refusal();
            case Result.OfFlow flow -> flow.compiled().refusal();
            case Result.Plain ignored -> Optional.empty();
            case Result.OfDatapath ignored -> Optional.empty();
            case Result.OfGroup ignored -> Optional.empty();
        };
    }

    private static Optional<LocalService> service(Result result) {
        return result instanceof Result.OfPort(LogicalPorts.Port port)
                ? port.service()
                : Optional.empty();
    }

    private static List<String> zoneOwners(Result result) {
        return switch (result) {
            case Result.OfDatapath datapath -> datapath.zones();
            case Result.OfPort(LogicalPorts.Port port) when port.entity().zone() != 0 ->
                    List.of(port.entity().name());
            default -> List.of();
        };
    }

    private void hold(Result result) {
        zoneOwners(result).forEach(owner -> zoneOwners.merge(owner, 1, Integer::sum));
        if (result instanceof Result.OfPort(LogicalPorts.Port port)) {
            movedPorts.add(port.entity().name());
        }
    }

    private void release(Result result) {
        for (String owner : zoneOwners(result)) {
            if (zoneOwners.merge(owner, -1, Integer::sum) == 0) {
                zoneOwners.remove(owner);
                freedZones.add(owner);
            }
        }
        if (result instanceof Result.OfPort(LogicalPorts.Port port)) {
            movedPorts.add(port.entity().name());
        }
    }

    private static Datapath of(Row datapath) {
        return new Datapath(
                datapath.uuid(), (int) datapath.integer("tunnel_key"), isSwitch(datapath));
    }

    private static boolean isSwitch(Row datapath) {
        return datapath.map("external_ids").containsKey("logical-switch");
    }

    private Optional<Result> datapath(Row row, Consumer<Fact> reads) {
        if (local.row(row.uuid(), reads).isEmpty()) {
            return Optional.empty();
        }
        Map<String, String> ids = row.map("external_ids");
        int key = (int) row.integer("tunnel_key");
        String name = ids.getOrDefault("name", row.uuid().toString());
        if (isSwitch(row)) {
            return Optional.of(
                    new Result.OfDatapath(new Entity.Datapath(key, name, 0, 0), List.of()));
        }
        // The northbound row's id: it stays when the southbound database is made anew.
        String owner = ids.getOrDefault("logical-router", row.uuid().toString());
        String dnat = owner + "/dnat";
        String snat = owner + "/snat";
        return Optional.of(
                new Result.OfDatapath(
                        new Entity.Datapath(key, name, zones.of(dnat), zones.of(snat)),
                        List.of(dnat, snat)));
    }

    /** Ports that came, moved or went are where their rows say now. */
    private void moveLocations() {
        for (String name : movedPorts) {
            ports.moved(
                    name,
                    model.port(name)
                            .flatMap(row -> results.result(new Fact.Row(row.table(), row.uuid())))
                            .flatMap(
                                    result ->
                                            result instanceof Result.OfPort(LogicalPorts.Port port)
                                                    ? port.location()
                                                    : Optional.empty()));
        }
        movedPorts.clear();
    }

    private Optional<Entity> multicastGroup(Row group, Consumer<Fact> reads) {
        Optional<Row> datapath = local.row(group.ref("datapath"), reads);
        if (datapath.isEmpty()) {
            return Optional.empty();
        }
        var ports = new ArrayList<Long>();
        for (UUID uuid : group.refs("ports")) {
            Optional<Row> port = model.row("Port_Binding", uuid);
            reads.accept(
                    port.<Fact>map(row -> new Fact.PortKey(row.text("logical_port")))
                            .orElse(new Fact.Row("Port_Binding", uuid)));
            port.flatMap(model::portKey).ifPresent(ports::add);
        }
        return Optional.of(
                new Entity.MulticastGroup(
                        FlowCompiler.multicastKey(
                                (int) datapath.get().integer("tunnel_key"), group),
                        group.text("name"),
                        ports.stream().mapToLong(Long::longValue).sorted().toArray()));
    }

    private Optional<Entity> neighbor(Row binding, Consumer<Fact> reads) {
        String name = binding.text("logical_port");
        reads.accept(new Fact.PortKey(name));
        Optional<Long> port = model.port(name).flatMap(model::portKey);
        if (port.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    new Entity.Neighbor(
                            port.get(),
                            Constant.parse(binding.text("ip")).value(),
                            Constant.ethernet(binding.text("mac"))));
        } catch (OvnException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "neighbour " + binding.uuid() + ": " + e.getMessage());
            return Optional.empty();
        }
    }

    private Optional<Result> group(Row group, Consumer<Fact> reads) {
        var members = new ArrayList<Datapath>();
        for (UUID datapath : group.refs("datapaths")) {
            local.row(datapath, reads).ifPresent(row -> members.add(of(row)));
        }
        members.sort(Comparator.comparingInt(Datapath::key));
        Integer number = groupNumbers.get(group.uuid());
        int[] keys = members.stream().mapToInt(Datapath::key).toArray();
        return Optional.of(
                new Result.OfGroup(
                        List.copyOf(members),
                        number == null || keys.length == 0
                                ? List.of()
                                : List.of(new Entity.DatapathGroup(number, keys))));
    }

    private Optional<Result> flow(Row flow, Optional<Result> before, Consumer<Fact> reads) {
        Optional<Compiled> old = before.map(result -> ((Result.OfFlow) result).compiled());
        Optional<UUID> own = flow.optionalRef("logical_datapath");
        if (own.isPresent()) {
            return local.row(own.get(), reads)
                    .map(StateBuilder::of)
                    .map(
                            datapath ->
                                    flows.compile(
                                            flow, datapath.key(), List.of(datapath), old, reads))
                    .map(Result.OfFlow::new);
        }
        Optional<UUID> group = flow.optionalRef("logical_dp_group");
        if (group.isEmpty()) {
            return Optional.empty();
        }
        reads.accept(new Fact.Members(group.get()));
        List<Datapath> datapaths =
                members(results.result(new Fact.Row("Logical_DP_Group", group.get())));
        if (datapaths.isEmpty()) {
            return Optional.empty();
        }
        int scope = -groupNumber(group.get(), old);
        return Optional.of(new Result.OfFlow(flows.compile(flow, scope, datapaths, old, reads)));
    }

    /**
     * northd replaces the row of a group whenever its datapaths change; the new row takes over the
     * number, and with it the rules, of the one that the flow was in before.
     */
    private int groupNumber(UUID group, Optional<Compiled> before) {
        Integer known = groupNumbers.get(group);
        if (known != null) {
            return known;
        }
        Optional<Integer> free =
                before.map(flow -> -flow.scope())
                        .filter(number -> isGone(numberedGroups.get(number)));
        free.map(numberedGroups::get).ifPresent(groupNumbers::remove);
        int number = free.orElseGet(() -> ++lastGroup);
        groupNumbers.put(group, number);
        numberedGroups.put(number, group);
        results.touch(new Fact.Row("Logical_DP_Group", group));
        return number;
    }

    private boolean isGone(@Nullable UUID group) {
        return group != null && model.row("Logical_DP_Group", group).isEmpty();
    }

    private void dropUnusedGroups() {
        for (UUID group : leftGroups) {
            Integer number = groupNumbers.get(group);
            if (number != null && !results.isRead(new Fact.Members(group))) {
                groupNumbers.remove(group);
                numberedGroups.remove(number);
                results.touch(new Fact.Row("Logical_DP_Group", group));
            }
        }
        leftGroups.clear();
    }
}
