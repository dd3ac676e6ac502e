package dev.iod.ovn;

import dev.iod.ovsdb.Row;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Target;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Works out the engine's logical ports from rows of Port_Binding and the agent's devices: where
 * packets to a port go, what it may send, its conntrack zone. Belongs to the chassis' thread.
 */
final class LogicalPorts {
    private final Model model;
    private final LocalDatapaths local;
    private final Devices devices;
    private final Binder binder;
    private final Zones zones;

    /** Where ports of other chassis are, as of the end of the last run. */
    private final Map<String, Location> locations = new HashMap<>();

    /** Devices the agent has: of plugged ports and of local services, by port name. */
    record Devices(Map<String, Entity.Device> ports, Map<String, Entity.Device> services) {
        Devices() {
            this(new HashMap<>(), new HashMap<>());
        }
    }

    /** Where a row of Port_Binding said that a port of another chassis is. */
    record Location(UUID row, Target target) {}

    /**
     * What is made of one row.
     *
     * @param location set for a port of another chassis
     * @param service set for a local service
     * @param refusal set when its port security cannot be read
     */
    record Port(
            Entity.LogicalPort entity,
            Optional<Location> location,
            Optional<LocalService> service,
            Optional<Chassis.Refused> refusal) {}

    LogicalPorts(Model model, LocalDatapaths local, Devices devices, Binder binder, Zones zones) {
        this.model = model;
        this.local = local;
        this.devices = devices;
        this.binder = binder;
        this.zones = zones;
    }

    /** Remembers where a port is now; empty when it is of no other chassis or not there. */
    void moved(String name, Optional<Location> location) {
        location.ifPresentOrElse(where -> locations.put(name, where), () -> locations.remove(name));
    }

    /** What is made of a row of Port_Binding; nothing unless its datapath is local. */
    Optional<Port> make(Row port, Consumer<Fact> reads) {
        Optional<Row> datapath = local.row(port.ref("datapath"), reads);
        if (datapath.isEmpty()) {
            return Optional.empty();
        }
        String name = port.text("logical_port");
        long key = model.portKey(port).orElseThrow();
        Optional<Location> location = Optional.empty();
        Target target;
        if (Model.type(port).isEmpty()) {
            location = locate(name, port, reads);
            target = location.map(Location::target).orElseGet(() -> here(name, port, reads));
        } else {
            target = target(name, port, reads);
        }
        Optional<Entity.PortSecurity> security = Optional.empty();
        Optional<Chassis.Refused> refusal = Optional.empty();
        int zone = 0;
        if (target instanceof Target.Local) {
            zone = zones.of(name);
            try {
                security = PortSecurityParser.parse(port.texts("port_security"));
            } catch (OvnException e) {
                // Nothing may be sent by a port whose addresses cannot be read.
                security = Optional.of(new Entity.PortSecurity(List.of()));
                refusal =
                        Optional.of(
                                new Chassis.Refused(
                                        port.uuid().toString(),
                                        "port_security of " + name,
                                        String.valueOf(e.getMessage())));
            }
        }
        Optional<LocalService> service =
                Model.type(port).equals("localport")
                        ? service(name, port, datapath.get())
                        : Optional.empty();
        return Optional.of(
                new Port(
                        new Entity.LogicalPort(key, name, target, zone, security),
                        location,
                        service,
                        refusal));
    }

    private Target target(String name, Row port, Consumer<Fact> reads) {
        return switch (Model.type(port)) {
            case "patch" -> {
                Optional<String> peer = Model.peer(port);
                peer.ifPresent(other -> reads.accept(new Fact.PortKey(other)));
                yield peer.flatMap(model::port)
                        .flatMap(model::portKey)
                        .<Target>map(Target.Peer::new)
                        .orElse(new Target.Nowhere());
            }
            case "localport" -> {
                reads.accept(new Fact.Provided(name));
                yield on(Optional.ofNullable(devices.services().get(name)));
            }
            default -> new Target.Nowhere();
        };
    }

    private static Target on(Optional<Entity.Device> device) {
        return device.<Target>map(d -> new Target.Local(d.id())).orElse(new Target.Nowhere());
    }

    /**
     * Whether a port counts as here. One that is plugged and bound nowhere is about to be claimed:
     * it is here at once, so that a southbound database made anew does not interrupt it.
     */
    private boolean isHere(String name, Row port, Consumer<Fact> reads) {
        reads.accept(new Fact.Self());
        reads.accept(new Fact.Plugged(name));
        Optional<UUID> bound = port.optionalRef("chassis");
        return bound.isPresent()
                ? bound.equals(model.self())
                : devices.ports().containsKey(name) && binder.obstacle(name).isEmpty();
    }

    private Target here(String name, Row port, Consumer<Fact> reads) {
        return isHere(name, port, reads)
                ? on(Optional.ofNullable(devices.ports().get(name)))
                : new Target.Nowhere();
    }

    /**
     * Where a port of another chassis is. A port that nobody has bound since its row was made anew
     * is still where the row before said: its chassis did not release it, but has not registered
     * again yet.
     */
    private Optional<Location> locate(String name, Row port, Consumer<Fact> reads) {
        if (isHere(name, port, reads)) {
            return Optional.empty();
        }
        Optional<UUID> bound = port.optionalRef("chassis");
        if (bound.isPresent()) {
            return tunnel(bound.get(), reads).map(target -> new Location(port.uuid(), target));
        }
        return Optional.ofNullable(locations.get(name))
                .filter(known -> !known.row().equals(port.uuid()));
    }

    private Optional<Target> tunnel(UUID remote, Consumer<Fact> reads) {
        reads.accept(new Fact.Row("Chassis", remote));
        Set<UUID> encaps =
                model.row("Chassis", remote).map(row -> row.refs("encaps")).orElse(Set.of());
        encaps.forEach(encap -> reads.accept(new Fact.Row("Encap", encap)));
        return encaps.stream()
                .flatMap(encap -> model.row("Encap", encap).stream())
                .filter(encap -> encap.text("type").equals("geneve"))
                .map(encap -> encap.text("ip"))
                .filter(ip -> ip.indexOf(':') < 0)
                .<Target>map(ip -> new Target.Remote((int) Constant.parse(ip).value().low()))
                .findFirst();
    }

    private static Optional<LocalService> service(String name, Row port, Row datapath) {
        Optional<String> words = port.texts("mac").stream().findFirst();
        return words.map(
                text -> {
                    List<String> parts = Arrays.asList(text.strip().split("\\s+"));
                    return new LocalService(
                            name,
                            datapath.map("external_ids").getOrDefault("name", ""),
                            (int) datapath.integer("tunnel_key"),
                            parts.getFirst(),
                            new LinkedHashSet<>(parts.subList(1, parts.size())));
                });
    }
}
