package dev.iod.ovn;

import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Operation;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Value;
import dev.iod.pipeline.AddressText;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.EngineEvent.NeighborLearned;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Neighbours the engine learned, on their way to the MAC_Binding table. Bounded in memory and in
 * rate: what does not fit is dropped, and learned again from the next packet.
 */
final class NeighborWriter {
    /** Neighbours waiting to be written. */
    static final int WAITING_LIMIT = 1024;

    /** Rows written per transaction, and transactions per second at most. */
    static final int BATCH_LIMIT = 64;

    /**
     * Most neighbours of one port: a guest that answers for thousands of addresses fills no more
     * than this. What Linux keeps by default (gc_thresh3, arp(7)).
     */
    static final int PORT_LIMIT = 1024;

    static final long INTERVAL_NANOS = 100_000_000;

    private final Map<Key, Long> waiting = new LinkedHashMap<>();
    private long dropped;
    private long lastNanos = System.nanoTime() - INTERVAL_NANOS;

    private record Key(long port, long high, long low) {}

    /** False when there was no room. */
    synchronized boolean learned(NeighborLearned event) {
        var key = new Key(event.port(), event.ip().high(), event.ip().low());
        if (!waiting.containsKey(key) && waiting.size() >= WAITING_LIMIT) {
            dropped++;
            return false;
        }
        waiting.put(key, event.mac());
        return true;
    }

    /** How many were dropped for want of room. */
    synchronized long dropped() {
        return dropped;
    }

    synchronized boolean isEmpty() {
        return waiting.isEmpty();
    }

    /** The next rows to write, none when it is too early; they are not given again. */
    synchronized List<Operation> next(Model model, long nowNanos, long nowMillis) {
        var operations = new ArrayList<Operation>();
        if (waiting.isEmpty() || nowNanos - lastNanos < INTERVAL_NANOS) {
            return operations;
        }
        lastNanos = nowNanos;
        var known = new Known(model);
        var entries = waiting.entrySet().iterator();
        while (entries.hasNext() && operations.size() < BATCH_LIMIT) {
            var entry = entries.next();
            entries.remove();
            model.port(entry.getKey().port())
                    .ifPresent(
                            port ->
                                    known.write(
                                            port,
                                            entry.getKey(),
                                            AddressText.ethernet(entry.getValue()),
                                            nowMillis,
                                            operations));
        }
        return operations;
    }

    /** The rows of the ports, oldest first, as they will be after this transaction. */
    private static final class Known {
        private final Model model;
        private final Map<String, Map<String, Row>> ports = new HashMap<>();
        private final Map<String, Integer> added = new HashMap<>();

        Known(Model model) {
            this.model = model;
        }

        private Map<String, Row> of(String port) {
            return ports.computeIfAbsent(
                    port,
                    name -> {
                        var rows = new LinkedHashMap<String, Row>();
                        model.neighbors(name).stream()
                                .sorted(Comparator.comparingLong(Known::timestamp))
                                .forEach(row -> rows.putIfAbsent(row.text("ip"), row));
                        return rows;
                    });
        }

        /** Rows of a northd that knows no ageing have none, and count as oldest. */
        private static long timestamp(Row row) {
            return row.has("timestamp") ? row.integer("timestamp") : 0;
        }

        void write(Row port, Key key, String mac, long nowMillis, List<Operation> operations) {
            String name = port.text("logical_port");
            var bits = new Bits(key.high(), key.low());
            boolean four = key.high() == 0 && key.low() >>> 32 == 0;
            String ip = four ? AddressText.ip4(bits) : AddressText.ip6(bits);
            Map<String, Row> rows = of(name);
            Optional<Row> known = Optional.ofNullable(rows.get(ip));
            var columns = new LinkedHashMap<String, Value>();
            columns.put("mac", Value.of(mac));
            if (known.isEmpty() || known.get().has("timestamp")) {
                columns.put("timestamp", Value.of(nowMillis));
            }
            if (known.isPresent()) {
                if (!known.get().text("mac").equals(mac)) {
                    operations.add(
                            Operation.update(
                                    "MAC_Binding", Condition.uuid(known.get().uuid()), columns));
                }
                return;
            }
            makeRoom(name, rows, operations);
            columns.put("logical_port", Value.of(name));
            columns.put("ip", Value.of(ip));
            columns.put("datapath", Value.of(port.ref("datapath")));
            operations.add(Operation.insert("MAC_Binding", columns));
            added.merge(name, 1, Integer::sum);
        }

        /** At the limit the oldest rows go: one that is still in use is learned again. */
        private void makeRoom(String port, Map<String, Row> rows, List<Operation> operations) {
            var oldest = rows.entrySet().iterator();
            int count = rows.size() + added.getOrDefault(port, 0);
            for (; count >= PORT_LIMIT && oldest.hasNext(); count--) {
                Row row = oldest.next().getValue();
                oldest.remove();
                operations.add(Operation.delete("MAC_Binding", Condition.uuid(row.uuid())));
            }
        }
    }
}
