package dev.iod.eswitch;

import dev.iod.eswitch.Entity.Target;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A packet engine with fake ports, a clock that tests move, and no thread of its own. */
final class EngineHarness implements Underlay {
    static final int OUR_ADDRESS = Frames.address(192, 0, 2, 1);
    static final int PEER_ADDRESS = Frames.address(192, 0, 2, 2);

    final Counters counters = new Counters();
    final EventQueue events = new EventQueue(counters);
    final ConnectionTable table;
    final Conntrack conntrack;
    final FlowTable flows;
    final PathCache paths = new PathCache(counters);
    final PacketEngine engine;
    final EntityStore store = new EntityStore();
    final Map<Integer, Attachment> devices = new HashMap<>();
    final FakePort uplinkPort = new FakePort();
    final Attachment uplink =
            new Attachment(EngineReport.UPLINK, "uplink", uplinkPort, false, 1500);
    private final PacketBatch batch =
            new PacketBatch(
                    Mapping.anonymous((long) PacketBatch.CAPACITY * PacketBatch.STRIDE).address());
    private final List<EntityStore.Change> changes = new ArrayList<>();
    private long nextRule = 1;
    long nowMillis = 1_000_000;

    EngineHarness(Path directory) throws IOException {
        this(directory, 4096, 1024);
    }

    EngineHarness(Path directory, int flowCapacity, int zoneLimit) throws IOException {
        this(directory, flowCapacity, 4096, new EngineConfig.Limits(zoneLimit, 4096, 4096, 0));
    }

    EngineHarness(Path directory, int flowCapacity, int connections, EngineConfig.Limits limits)
            throws IOException {
        Files.createDirectories(directory);
        table = ConnectionTable.open(directory, connections, nowMillis);
        conntrack =
                new Conntrack(
                        table,
                        new Conntrack.Limits(
                                limits.connectionsPerZone(), limits.connectionsPerPort()),
                        counters);
        flows = new FlowTable(flowCapacity, limits.flowsPerPort(), counters);
        engine =
                new PacketEngine(
                        counters,
                        conntrack,
                        flows,
                        paths,
                        this,
                        events,
                        new Senders(limits.missesPerRemotePort()),
                        OUR_ADDRESS);
        engine.attach(uplink);
    }

    private static final Geneve.Route ROUTE =
            new Geneve.Route(0x02_0000_0000_01L, 0x02_0000_0000_02L, OUR_ADDRESS, PEER_ADDRESS);

    @Override
    public Geneve.@Nullable Route route(int address) {
        return address == PEER_ADDRESS ? ROUTE : null;
    }

    @Override
    public void want(Set<Integer> addresses) {}

    static long key(int datapath, int port) {
        return (long) datapath << 16 | port;
    }

    EngineHarness put(Entity entity) {
        changes.add(new EntityStore.Change.Put(entity));
        return this;
    }

    EngineHarness remove(EntityKey key) {
        changes.add(new EntityStore.Change.Remove(key));
        return this;
    }

    EngineHarness datapath(int key) {
        return put(new Entity.Datapath(key, "dp" + key, 0, 0));
    }

    /** A port on a fake device of the same number as the port. */
    EngineHarness local(int datapath, int port, int zone) {
        int device = datapath << 8 | port;
        Entity.Device row =
                new Entity.Device(device, "dev" + device, new Entity.Kind.VhostUser("/x", 0), 1442);
        if (!devices.containsKey(device)) {
            Attachment attachment = Attachment.of(row, new FakePort());
            devices.put(device, attachment);
            engine.attach(attachment);
        }
        return put(row).port(datapath, port, new Target.Local(device), zone);
    }

    EngineHarness port(int datapath, int port, Target target, int zone) {
        return put(
                new Entity.LogicalPort(
                        key(datapath, port), "p" + port, target, zone, Optional.empty()));
    }

    EngineHarness rule(
            int scope,
            Action.Stage stage,
            int table,
            int priority,
            Match match,
            Action... actions) {
        long id = nextRule++;
        return put(
                new Entity.Rule(
                        id,
                        "rule" + id,
                        scope,
                        stage,
                        table,
                        priority,
                        match,
                        Arrays.asList(actions)));
    }

    EngineHarness ingress(int scope, int table, int priority, Match match, Action... actions) {
        return rule(scope, Action.Stage.INGRESS, table, priority, match, actions);
    }

    EngineHarness egress(int scope, int table, int priority, Match match, Action... actions) {
        return rule(scope, Action.Stage.EGRESS, table, priority, match, actions);
    }

    void commit() {
        engine.adopt(store.apply(changes, false));
        changes.clear();
    }

    /** Sends frames into a local port as one batch and runs it to completion. */
    void send(int datapath, int port, byte[]... frames) {
        run(device(datapath, port), frames);
    }

    void sendUplink(byte[]... frames) {
        run(uplink, frames);
    }

    /** One batch of at most {@link PacketBatch#CAPACITY} frames. */
    private void run(Attachment from, byte[]... frames) {
        batch.count = 0;
        for (byte[] frame : frames) {
            ((FakePort) from.port).queue(frame);
        }
        from.port.receive(batch);
        engine.process(from, batch, nowMillis);
    }

    /** Sends 32 copies of a frame into a local port many times; what leaves is only counted. */
    void sendMany(int datapath, int port, byte[] frame, int batches) {
        uplinkPort.discard = true;
        devices.values().forEach(device -> ((FakePort) device.port).discard = true);
        Attachment from = device(datapath, port);
        for (int i = 0; i < batches; i++) {
            for (int slot = 0; slot < PacketBatch.CAPACITY; slot++) {
                Memory.copyFromArray(frame, 0, batch.address(slot), frame.length);
                batch.length[slot] = frame.length;
            }
            batch.count = PacketBatch.CAPACITY;
            engine.process(from, batch, nowMillis);
        }
    }

    Attachment device(int datapath, int port) {
        Attachment attachment = devices.get(datapath << 8 | port);
        if (attachment == null) {
            throw new AssertionError("no device for port " + port);
        }
        return attachment;
    }

    /** Takes what was delivered to a local port. */
    List<byte[]> received(int datapath, int port) {
        FakePort fake = (FakePort) device(datapath, port).port;
        List<byte[]> frames = List.copyOf(fake.sent);
        fake.sent.clear();
        return frames;
    }

    List<byte[]> receivedUplink() {
        List<byte[]> frames = List.copyOf(uplinkPort.sent);
        uplinkPort.sent.clear();
        return frames;
    }
}
