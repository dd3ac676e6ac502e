package dev.iod.bench;

import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Operation;
import dev.iod.ovsdb.Replica;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Table;
import dev.iod.ovsdb.Update;
import dev.iod.ovsdb.Value;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * What northd and each chassis have done of what was asked, and when: {@code nb_cfg} of SB_Global
 * and Chassis_Private, as {@code ovn-nbctl --wait=hv} looks at it. Times are those at which the
 * bench was told by the southbound database.
 */
final class OvnWatch implements AutoCloseable {
    private static final Duration DEADLINE = Duration.ofMinutes(5);
    private static final int BATCH = 500;

    private final Replica southbound;

    /** By chassis, northd being "": what was reached last, and when. Guarded by this. */
    private final Map<String, Reached> reached = new HashMap<>();

    private record Reached(long configuration, long atNanos) {}

    OvnWatch(OvnDatabases ovn) {
        southbound =
                OvnDatabases.client(
                        "OVN_Southbound",
                        ovn.southboundSocket(),
                        List.of(
                                Table.of("SB_Global", "nb_cfg"),
                                Table.of("Chassis", "name"),
                                Table.of("Encap", "ip"),
                                Table.of("Chassis_Private", "name", "nb_cfg"),
                                Table.of("Port_Binding", "logical_port", "up")),
                        this::changed);
    }

    private synchronized void changed(Update update) {
        long now = System.nanoTime();
        for (Update.Change change : update.changes()) {
            switch (change.table()) {
                case "SB_Global" -> change.after().ifPresent(row -> note("", row, now));
                case "Chassis_Private" ->
                        change.after()
                                .ifPresentOrElse(
                                        row -> note(row.text("name"), row, now),
                                        () ->
                                                change.before()
                                                        .map(row -> row.text("name"))
                                                        .ifPresent(reached::remove));
                default -> {}
            }
        }
        notifyAll();
    }

    private void note(String who, Row row, long now) {
        long configuration = row.integer("nb_cfg");
        Reached before = reached.get(who);
        if (before == null || before.configuration != configuration) {
            reached.put(who, new Reached(configuration, now));
        }
    }

    /** When northd had written a configuration to the southbound database. */
    long awaitNorthd(long configuration, int seconds) {
        return await("", "northd", configuration, seconds);
    }

    /** When a chassis said that a configuration is live. */
    long awaitChassis(String host, long configuration, int seconds) {
        return await(host, "chassis " + host, configuration, seconds);
    }

    private synchronized long await(String who, String what, long configuration, int seconds) {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (true) {
            Reached now = reached.get(who);
            if (now != null && now.configuration >= configuration) {
                return now.atNanos;
            }
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                throw new BenchException(
                        "%s did not reach configuration %d in %d s"
                                .formatted(what, configuration, seconds));
            }
            try {
                wait(left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new BenchException("interrupted", e);
            }
        }
    }

    /** Waits until these ports are up; {@code alive} fails when who should do it has ended. */
    void awaitUp(Set<String> ports, int seconds, Runnable alive) {
        Shell.await(
                ports.size() + " ports are up",
                seconds,
                () -> {
                    alive.run();
                    return up(ports) == ports.size();
                });
    }

    private long up(Set<String> ports) {
        return southbound.read(
                view ->
                        view.rows("Port_Binding")
                                .filter(row -> row.optionalBool("up").orElse(false))
                                .filter(row -> ports.contains(row.text("logical_port")))
                                .count());
    }

    /** Chassis that nobody runs, so that ports are elsewhere. */
    void addChassis(String name, String address) {
        southbound.transactAndWait(
                List.of(
                        Operation.insert(
                                "Encap",
                                "encap",
                                Map.of(
                                        "type",
                                        Value.of("geneve"),
                                        "ip",
                                        Value.of(address),
                                        "options",
                                        Value.map(Map.of("csum", "true")),
                                        "chassis_name",
                                        Value.of(name))),
                        Operation.insert(
                                "Chassis",
                                Map.of(
                                        "name",
                                        Value.of(name),
                                        "hostname",
                                        Value.of(name),
                                        "encaps",
                                        Value.named("encap"),
                                        "other_config",
                                        Value.map(
                                                Map.of(
                                                        "ct-no-masked-label", "true",
                                                        "mac-binding-timestamp", "true",
                                                        "ovn-ct-lb-related", "true",
                                                        "port-up-notif", "true"))))),
                DEADLINE);
    }

    /** Says that ports are up on such a chassis. */
    void bind(String chassis, List<String> ports) {
        UUID uuid =
                southbound.read(
                        view ->
                                view.first("Chassis", one -> one.text("name").equals(chassis))
                                        .map(Row::uuid)
                                        .orElseThrow());
        Set<String> wanted = Set.copyOf(ports);
        List<UUID> rows =
                southbound.read(
                        view ->
                                view.rows("Port_Binding")
                                        .filter(row -> wanted.contains(row.text("logical_port")))
                                        .map(Row::uuid)
                                        .toList());
        for (int from = 0; from < rows.size(); from += BATCH) {
            List<Operation> operations = new ArrayList<>();
            for (UUID row : rows.subList(from, Math.min(rows.size(), from + BATCH))) {
                operations.add(
                        Operation.update(
                                "Port_Binding",
                                Condition.uuid(row),
                                Map.of("chassis", Value.of(uuid), "up", Value.of(true))));
            }
            southbound.transactAndWait(operations, DEADLINE);
        }
    }

    @Override
    public void close() {
        southbound.close();
    }
}
