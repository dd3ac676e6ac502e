package dev.iod.ovn;

import dev.iod.ovsdb.Row;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.EntityKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/**
 * Works out what the engine should hold, from the southbound rows and the agent's devices. A pass
 * visits everything but compiles only what changed. Belongs to the chassis' thread.
 */
final class StateBuilder {
    private static final System.Logger LOG = System.getLogger(StateBuilder.class.getName());

    private final String chassis;
    private final Model model;
    private final Binder binder;
    private final Zones zones;
    private final FlowCompiler flows;
    private final Map<UUID, Integer> groupNumbers = new HashMap<>();
    private int lastGroup;
    private Map<String, Location> locations = Map.of();
    private DhcpOptions dhcp = DhcpOptions.NONE;

    /** Where a row of Port_Binding said that a port of another chassis is. */
    private record Location(UUID row, Target target) {}

    /** Devices the agent has: of plugged ports and of local services, by port name. */
    record Devices(Map<String, Entity.Device> ports, Map<String, Entity.Device> services) {}

    /**
     * The engine's wanted state.
     *
     * @param live names of the plugged ports that are here and have their flows in it
     * @param configuration nb_cfg it corresponds to
     */
    record State(
            Map<EntityKey, Entity> entities,
            Set<String> live,
            Set<LocalService> services,
            long configuration,
            int flows,
            List<Chassis.Refused> refused) {
        /** The same state as that of another network configuration. */
        State at(long configuration) {
            return new State(entities, live, services, configuration, flows, refused);
        }

        /** The same state with further devices, which no port leads to yet. */
        State with(Collection<Entity.Device> devices) {
            var more = new LinkedHashMap<>(entities);
            devices.forEach(device -> more.put(EntityKey.of(device), device));
            return new State(more, live, services, configuration, flows, refused);
        }
    }

    StateBuilder(String chassis, Model model, Binder binder, Zones zones) {
        this.chassis = chassis;
        this.model = model;
        this.binder = binder;
        this.zones = zones;
        this.flows = new FlowCompiler(model);
    }

    State build(Devices devices) {
        return new Pass(devices).run();
    }

    /** One visit of everything. */
    private final class Pass implements FlowCompiler.Environment {
        private final Devices devices;
        private final Optional<UUID> self = model.chassis(chassis).map(Row::uuid);
        private final Map<UUID, Row> datapaths = new LinkedHashMap<>();
        private final Map<EntityKey, Entity> out = new LinkedHashMap<>();
        private final Map<Integer, Map<String, Long>> groups = new HashMap<>();
        private final Set<String> zoneOwners = new TreeSet<>();
        private final Map<String, Location> remote = new HashMap<>();
        private final Set<String> live = new TreeSet<>();
        private final Set<LocalService> services = new LinkedHashSet<>();
        private final List<Chassis.Refused> refused = new ArrayList<>();

        Pass(Devices devices) {
            this.devices = devices;
            for (UUID uuid : Southbound.localDatapaths(model, devices.ports().keySet())) {
                model.row("Datapath_Binding", uuid).ifPresent(row -> datapaths.put(uuid, row));
            }
        }

        State run() {
            readDhcp();
            devices.ports().values().forEach(this::put);
            devices.services().values().forEach(this::put);
            datapaths.values().forEach(this::datapath);
            for (Row port : model.rows("Port_Binding")) {
                if (datapaths.containsKey(port.ref("datapath"))) {
                    port(port);
                }
            }
            model.rows("Multicast_Group").forEach(this::multicastGroup);
            model.rows("MAC_Binding").forEach(this::neighbor);
            model.rows("Static_MAC_Binding").forEach(this::neighbor);
            rules();
            zones.retain(zoneOwners);
            zones.save();
            locations = remote;
            return new State(
                    out,
                    live,
                    services,
                    model.configuration(),
                    model.rows("Logical_Flow").size(),
                    refused);
        }

        private void put(Entity entity) {
            out.put(EntityKey.of(entity), entity);
        }

        private int zone(String owner) {
            zoneOwners.add(owner);
            return zones.of(owner);
        }

        private void readDhcp() {
            var options = new TreeMap<String, DhcpOptions.Definition>();
            for (Row row : model.rows("DHCP_Options")) {
                options.put(
                        row.text("name"),
                        new DhcpOptions.Definition((int) row.integer("code"), row.text("type")));
            }
            // The same object as long as nothing changed: results of compilations refer to it.
            if (!options.equals(dhcp.byName())) {
                dhcp = new DhcpOptions(options);
            }
        }

        private void datapath(Row row) {
            int key = (int) row.integer("tunnel_key");
            String name = row.map("external_ids").getOrDefault("name", row.uuid().toString());
            boolean router = !isSwitch(row);
            // The northbound row's id: it stays when the southbound database is made anew.
            String owner =
                    row.map("external_ids").getOrDefault("logical-router", row.uuid().toString());
            put(
                    new Entity.Datapath(
                            key,
                            name,
                            router ? zone(owner + "/dnat") : 0,
                            router ? zone(owner + "/snat") : 0));
        }

        private static boolean isSwitch(Row datapath) {
            return datapath.map("external_ids").containsKey("logical-switch");
        }

        private void port(Row port) {
            Optional<Long> key = model.portKey(port);
            if (key.isEmpty()) {
                return;
            }
            String name = port.text("logical_port");
            Target target = target(port);
            Optional<Entity.PortSecurity> security = Optional.empty();
            int zone = 0;
            if (target instanceof Target.Local) {
                zone = zone(name);
                try {
                    security = PortSecurityParser.parse(port.texts("port_security"));
                } catch (OvnException e) {
                    // Nothing may be sent by a port whose addresses cannot be read.
                    security = Optional.of(new Entity.PortSecurity(List.of()));
                    refused.add(
                            new Chassis.Refused(
                                    port.uuid().toString(),
                                    "port_security of " + name,
                                    String.valueOf(e.getMessage())));
                }
                if (Model.type(port).isEmpty()) {
                    live.add(name);
                }
            }
            if (Model.type(port).equals("localport")) {
                service(port);
            }
            put(new Entity.LogicalPort(key.get(), name, target, zone, security));
        }

        private Target target(Row port) {
            String name = port.text("logical_port");
            return switch (Model.type(port)) {
                case "" -> interfacePort(name, port);
                case "patch" ->
                        Southbound.peer(port)
                                .flatMap(model::port)
                                .flatMap(model::portKey)
                                .<Target>map(Target.Peer::new)
                                .orElse(new Target.Nowhere());
                case "localport" -> {
                    Entity.Device device = devices.services().get(name);
                    yield device == null ? new Target.Nowhere() : new Target.Local(device.id());
                }
                default -> new Target.Nowhere();
            };
        }

        private Target interfacePort(String name, Row port) {
            Optional<UUID> bound = port.optionalRef("chassis");
            Entity.Device device = devices.ports().get(name);
            if (bound.isPresent() && bound.equals(self)) {
                return device == null ? new Target.Nowhere() : new Target.Local(device.id());
            }
            // Plugged here and bound nowhere: about to be claimed. It counts as here at once, so
            // that a southbound database made anew does not interrupt it.
            if (bound.isEmpty() && device != null && binder.obstacle(name).isEmpty()) {
                return new Target.Local(device.id());
            }
            return elsewhere(name, port, bound);
        }

        /**
         * A port that nobody has bound since its row was made anew is still where the row before
         * said: its chassis did not release it, but has not registered again yet.
         */
        private Target elsewhere(String name, Row port, Optional<UUID> bound) {
            Optional<Location> lost =
                    Optional.ofNullable(locations.get(name))
                            .filter(known -> bound.isEmpty() && !known.row().equals(port.uuid()));
            Target target =
                    lost.map(Location::target)
                            .or(() -> bound.flatMap(this::tunnel))
                            .orElse(new Target.Nowhere());
            if (target instanceof Target.Remote) {
                remote.put(name, new Location(lost.map(Location::row).orElse(port.uuid()), target));
            }
            return target;
        }

        private Optional<Target> tunnel(UUID remote) {
            return model.row("Chassis", remote).stream()
                    .flatMap(row -> row.refs("encaps").stream())
                    .flatMap(encap -> model.row("Encap", encap).stream())
                    .filter(encap -> encap.text("type").equals("geneve"))
                    .map(encap -> encap.text("ip"))
                    .filter(ip -> ip.indexOf(':') < 0)
                    .<Target>map(ip -> new Target.Remote((int) Constant.parse(ip).value().low()))
                    .findFirst();
        }

        private void service(Row port) {
            Row datapath = datapaths.get(port.ref("datapath"));
            Optional<String> words = port.texts("mac").stream().findFirst();
            if (datapath == null || words.isEmpty()) {
                return;
            }
            List<String> parts = Arrays.asList(words.get().strip().split("\\s+"));
            services.add(
                    new LocalService(
                            port.text("logical_port"),
                            datapath.map("external_ids").getOrDefault("name", ""),
                            (int) datapath.integer("tunnel_key"),
                            parts.getFirst(),
                            new LinkedHashSet<>(parts.subList(1, parts.size()))));
        }

        private void multicastGroup(Row group) {
            Row datapath = datapaths.get(group.ref("datapath"));
            if (datapath == null) {
                return;
            }
            int datapathKey = (int) datapath.integer("tunnel_key");
            long key = (long) datapathKey << 16 | group.integer("tunnel_key");
            long[] ports =
                    group.refs("ports").stream()
                            .flatMap(uuid -> model.row("Port_Binding", uuid).stream())
                            .flatMap(port -> model.portKey(port).stream())
                            .mapToLong(Long::longValue)
                            .sorted()
                            .toArray();
            String name = group.text("name");
            groups.computeIfAbsent(datapathKey, d -> new HashMap<>()).put(name, key);
            put(new Entity.MulticastGroup(key, name, ports));
        }

        private void neighbor(Row binding) {
            Optional<Long> port = model.port(binding.text("logical_port")).flatMap(model::portKey);
            if (port.isEmpty()) {
                return;
            }
            try {
                put(
                        new Entity.Neighbor(
                                port.get(),
                                Constant.parse(binding.text("ip")).value(),
                                Constant.ethernet(binding.text("mac"))));
            } catch (OvnException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "neighbour " + binding.uuid() + ": " + e.getMessage());
            }
        }

        private void rules() {
            Map<UUID, List<UUID>> members = new HashMap<>();
            var sets = new LinkedHashSet<Sets.Used>();
            for (Row flow : model.rows("Logical_Flow")) {
                Optional<UUID> own = flow.optionalRef("logical_datapath");
                Optional<UUID> group = flow.optionalRef("logical_dp_group");
                List<UUID> uuids =
                        own.isPresent()
                                ? own.filter(datapaths::containsKey).map(List::of).orElse(List.of())
                                : group.map(g -> members.computeIfAbsent(g, this::localMembers))
                                        .orElse(List.of());
                if (uuids.isEmpty()) {
                    continue;
                }
                List<Integer> keys = keys(uuids);
                int scope =
                        own.isPresent() ? keys.getFirst() : -groupNumber(group.orElseThrow(), flow);
                boolean inSwitch =
                        model.row("Datapath_Binding", uuids.getFirst())
                                .map(Pass::isSwitch)
                                .orElse(true);
                FlowCompiler.Compiled compiled = flows.compile(flow, scope, keys, inSwitch, this);
                compiled.rules().forEach(this::put);
                compiled.refusal().ifPresent(refused::add);
                sets.addAll(compiled.answers().sets);
            }
            flows.endPass();
            members.forEach(this::datapathGroup);
            groupNumbers.keySet().retainAll(members.keySet());
            var known = new Sets(model);
            sets.forEach(used -> put(known.of(used)));
        }

        private List<UUID> localMembers(UUID group) {
            return model.row("Logical_DP_Group", group).stream()
                    .flatMap(row -> row.refs("datapaths").stream())
                    .filter(datapaths::containsKey)
                    .toList();
        }

        private List<Integer> keys(List<UUID> uuids) {
            return uuids.stream()
                    .flatMap(uuid -> model.datapathKey(uuid).stream())
                    .sorted()
                    .toList();
        }

        /**
         * northd replaces the row of a group whenever its datapaths change; the new row takes over
         * the number, and with it the rules, of the one that the flow was in before.
         */
        private int groupNumber(UUID group, Row flow) {
            Integer known = groupNumbers.get(group);
            if (known != null) {
                return known;
            }
            int before = -flows.lastScope(flow.uuid()).orElse(0);
            boolean free =
                    before > 0
                            && groupNumbers
                                    .entrySet()
                                    .removeIf(
                                            entry ->
                                                    entry.getValue() == before
                                                            && isGone(entry.getKey()));
            int number = free ? before : ++lastGroup;
            groupNumbers.put(group, number);
            return number;
        }

        private boolean isGone(UUID group) {
            return model.row("Logical_DP_Group", group).isEmpty();
        }

        private void datapathGroup(UUID group, List<UUID> members) {
            Integer number = groupNumbers.get(group);
            if (number != null && !members.isEmpty()) {
                int[] keys = keys(members).stream().mapToInt(Integer::intValue).toArray();
                put(new Entity.DatapathGroup(number, keys));
            }
        }

        @Override
        public OptionalLong group(int datapath, String name) {
            Long key = groups.getOrDefault(datapath, Map.of()).get(name);
            return key == null ? OptionalLong.empty() : OptionalLong.of(key);
        }

        @Override
        public boolean resident(String port) {
            return self.isPresent()
                    && model.port(port).flatMap(row -> row.optionalRef("chassis")).equals(self);
        }

        @Override
        public DhcpOptions dhcp() {
            return dhcp;
        }
    }

    /** Whether two entities say the same; arrays in records are not compared by equals. */
    static boolean same(Entity a, Entity b) {
        if (a == b) {
            return true;
        }
        return switch (a) {
            case Entity.DatapathGroup(int id, int[] members)
                    when b instanceof Entity.DatapathGroup(int other, int[] others) ->
                    id == other && Arrays.equals(members, others);
            case Entity.MulticastGroup(long key, String name, long[] ports)
                    when b
                            instanceof
                            Entity.MulticastGroup(
                                    long otherKey,
                                    String otherName,
                                    long[] otherPorts) ->
                    key == otherKey && name.equals(otherName) && Arrays.equals(ports, otherPorts);
            default -> a.equals(b);
        };
    }
}
