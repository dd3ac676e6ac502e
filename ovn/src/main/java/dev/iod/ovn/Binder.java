package dev.iod.ovn;

import dev.iod.ovsdb.Atom;
import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Operation;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * What this chassis writes to the southbound database, as the difference between what is there and
 * what should be; nothing to write is no operation. Only columns that the role {@code
 * ovn-controller} may change are changed.
 */
final class Binder {
    /**
     * What this chassis can do, in OVN's words; northd writes flows for the least able chassis, so
     * this names exactly what the compiler executes.
     */
    static final Map<String, String> FEATURES =
            Map.of(
                    "ct-no-masked-label", "true",
                    "mac-binding-timestamp", "true",
                    "ovn-ct-lb-related", "true",
                    "port-up-notif", "true");

    private final Chassis.Config config;
    private final Model model;

    /** Ports of which something may be to be written. */
    private final Set<String> open = new LinkedHashSet<>();

    Binder(Chassis.Config config, Model model) {
        this.config = config;
        this.model = model;
    }

    /** Operations that make the rows of this chassis exist and be right. */
    List<Operation> registration() {
        var operations = new ArrayList<Operation>();
        Optional<Row> chassis = model.chassis();
        Optional<Row> encap = encap(chassis);
        Value encaps;
        if (encap.isPresent()) {
            encaps = Value.refs(List.of(encap.get().uuid()));
        } else {
            operations.add(
                    Operation.insert(
                            "Encap",
                            "encap",
                            Map.of(
                                    "type",
                                    Value.of("geneve"),
                                    "ip",
                                    Value.of(config.encapIp()),
                                    "options",
                                    Value.map(Map.of("csum", "true")),
                                    "chassis_name",
                                    Value.of(config.name()))));
            encaps = Value.named("encap");
        }
        Value reference;
        if (chassis.isPresent()) {
            reference = Value.of(chassis.get().uuid());
            var changes = new LinkedHashMap<String, Value>();
            if (!chassis.get().value("encaps").equals(encaps)) {
                changes.put("encaps", encaps);
            }
            if (!chassis.get().map("other_config").equals(FEATURES)) {
                changes.put("other_config", Value.map(FEATURES));
            }
            if (!changes.isEmpty()) {
                operations.add(
                        Operation.update("Chassis", Condition.uuid(chassis.get().uuid()), changes));
            }
        } else {
            reference = Value.named("chassis");
            operations.add(
                    Operation.insert(
                            "Chassis",
                            "chassis",
                            Map.of(
                                    "name",
                                    Value.of(config.name()),
                                    "hostname",
                                    Value.of(config.hostname()),
                                    "encaps",
                                    encaps,
                                    "other_config",
                                    Value.map(FEATURES))));
        }
        privateRow(reference, operations);
        return operations;
    }

    /** The tunnel end point that the chassis row already has, if it is as it should be. */
    private Optional<Row> encap(Optional<Row> chassis) {
        return chassis.stream()
                .flatMap(row -> row.refs("encaps").stream())
                .flatMap(uuid -> model.row("Encap", uuid).stream())
                .filter(
                        row ->
                                row.text("type").equals("geneve")
                                        && row.text("ip").equals(config.encapIp())
                                        && row.text("chassis_name").equals(config.name())
                                        && row.map("options").equals(Map.of("csum", "true")))
                .findFirst();
    }

    private void privateRow(Value chassis, List<Operation> operations) {
        Optional<Row> known = privateRow();
        if (known.isEmpty()) {
            operations.add(
                    Operation.insert(
                            "Chassis_Private",
                            Map.of("name", Value.of(config.name()), "chassis", chassis)));
        } else if (!(known.get().value("chassis") instanceof Value.Items items)
                || !(chassis instanceof Atom atom)
                || !items.atoms().contains(atom)) {
            operations.add(
                    Operation.update(
                            "Chassis_Private",
                            Condition.uuid(known.get().uuid()),
                            Map.of("chassis", chassis)));
        }
    }

    private Optional<Row> privateRow() {
        return model.rows("Chassis_Private").stream()
                .filter(row -> row.text("name").equals(config.name()))
                .findFirst();
    }

    /**
     * Whether a port may be bound here: it exists as a VIF and is not asked for elsewhere ({@code
     * options:requested-chassis}).
     */
    Optional<String> obstacle(String name) {
        Optional<Row> port = model.port(name);
        if (port.isEmpty()) {
            return Optional.of("the southbound database has no such port");
        }
        if (!Model.type(port.get()).isEmpty()) {
            return Optional.of(
                    "a port of type " + Model.type(port.get()) + " is not bound by name");
        }
        String requested = port.get().map("options").getOrDefault("requested-chassis", "");
        if (!requested.isEmpty()
                && !requested.equals(config.name())
                && !requested.equals(config.hostname())) {
            return Optional.of("it is requested on chassis " + requested);
        }
        return Optional.empty();
    }

    boolean bound(Row port) {
        Optional<UUID> self = model.self();
        return self.isPresent() && port.optionalRef("chassis").equals(self);
    }

    static boolean up(Row port) {
        return port.optionalBool("up").orElse(false);
    }

    void changed(Fact fact) {
        switch (fact) {
            case Fact.Port(String name) -> open.add(name);
            case Fact.Plugged(String name) -> open.add(name);
            case Fact.Self ignored ->
                    model.rows("Port_Binding").forEach(row -> open.add(row.text("logical_port")));
            default -> {}
        }
    }

    /** A port's flows went live, or are no longer so. */
    void live(String port) {
        open.add(port);
    }

    /**
     * Claims, releases and "up" of ports. What is given stays to be written until the rows say so.
     *
     * @param plugged whether a port has a device here
     * @param live whether its flows are live in the engine
     */
    List<Operation> bindings(Predicate<String> plugged, Predicate<String> live) {
        var operations = new ArrayList<Operation>();
        Optional<UUID> self = model.self();
        if (self.isEmpty()) {
            return operations;
        }
        open.removeIf(
                name -> {
                    Optional<Operation> operation =
                            model.port(name)
                                    .flatMap(
                                            port ->
                                                    binding(
                                                            port,
                                                            self.get(),
                                                            plugged.test(name),
                                                            live.test(name)));
                    operation.ifPresent(operations::add);
                    return operation.isEmpty();
                });
        return operations;
    }

    private Optional<Operation> binding(Row port, UUID self, boolean plugged, boolean live) {
        boolean wanted = plugged && obstacle(port.text("logical_port")).isEmpty();
        if (wanted && !bound(port)) {
            return Optional.of(
                    Operation.update(
                            "Port_Binding",
                            Condition.uuid(port.uuid()),
                            Map.of("chassis", Value.of(self))));
        }
        if (wanted && live && !up(port)) {
            return Optional.of(
                    new Operation.Update(
                            "Port_Binding", own(port, self), Map.of("up", Value.of(true))));
        }
        return !wanted && Model.type(port).isEmpty() && bound(port)
                ? Optional.of(release(port, self))
                : Optional.empty();
    }

    private static Operation release(Row port, UUID self) {
        return new Operation.Update(
                "Port_Binding",
                own(port, self),
                Map.of("chassis", Value.none(), "up", Value.of(false)));
    }

    /** The row, as long as it still names this chassis. */
    private static List<Condition> own(Row port, UUID self) {
        return List.of(Condition.uuid(port.uuid()), Condition.includes("chassis", Value.of(self)));
    }

    /** Says that a network configuration is live here. */
    List<Operation> configuration(long live, long nowMillis) {
        Optional<Row> row = privateRow();
        if (row.isEmpty() || row.get().integer("nb_cfg") == live) {
            return List.of();
        }
        return List.of(
                Operation.update(
                        "Chassis_Private",
                        Condition.uuid(row.get().uuid()),
                        Map.of("nb_cfg", Value.of(live), "nb_cfg_timestamp", Value.of(nowMillis))));
    }

    /** Releases all ports and removes the rows of this chassis. */
    List<Operation> farewell() {
        var operations = new ArrayList<Operation>();
        Optional<UUID> self = model.self();
        self.ifPresent(
                uuid -> {
                    for (Row port : model.rows("Port_Binding")) {
                        if (bound(port)) {
                            operations.add(release(port, uuid));
                        }
                    }
                    operations.add(Operation.delete("Chassis", Condition.uuid(uuid)));
                });
        privateRow()
                .ifPresent(
                        row ->
                                operations.add(
                                        Operation.delete(
                                                "Chassis_Private", Condition.uuid(row.uuid()))));
        return operations;
    }
}
