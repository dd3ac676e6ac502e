package dev.iod.ovn;

import dev.iod.eswitch.Bits;
import dev.iod.eswitch.EngineEvent.NeighborLearned;
import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Operation;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Value;
import java.util.ArrayList;
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
        var entries = waiting.entrySet().iterator();
        while (entries.hasNext() && operations.size() < BATCH_LIMIT) {
            var entry = entries.next();
            entries.remove();
            model.port(entry.getKey().port())
                    .flatMap(
                            port -> write(model, port, entry.getKey(), entry.getValue(), nowMillis))
                    .ifPresent(operations::add);
        }
        return operations;
    }

    private static Optional<Operation> write(
            Model model, Row port, Key key, long mac, long nowMillis) {
        String name = port.text("logical_port");
        var bits = new Bits(key.high(), key.low());
        boolean four = key.high() == 0 && key.low() >>> 32 == 0;
        String ip = four ? AddressText.ip4(bits) : AddressText.ip6(bits);
        String ethernet = AddressText.ethernet(mac);
        Optional<Row> known =
                model.rows("MAC_Binding").stream()
                        .filter(row -> row.text("ip").equals(ip))
                        .filter(row -> row.text("logical_port").equals(name))
                        .findFirst();
        var columns = new LinkedHashMap<String, Value>();
        columns.put("mac", Value.of(ethernet));
        if (known.isEmpty() || known.get().has("timestamp")) {
            columns.put("timestamp", Value.of(nowMillis));
        }
        if (known.isPresent()) {
            return known.get().text("mac").equals(ethernet)
                    ? Optional.empty()
                    : Optional.of(
                            Operation.update(
                                    "MAC_Binding", Condition.uuid(known.get().uuid()), columns));
        }
        columns.put("logical_port", Value.of(name));
        columns.put("ip", Value.of(ip));
        columns.put("datapath", Value.of(port.ref("datapath")));
        return Optional.of(Operation.insert("MAC_Binding", columns));
    }
}
