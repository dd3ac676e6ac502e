package dev.iod.eswitch.testing;

import dev.iod.eswitch.Core;
import dev.iod.eswitch.EngineConfig;
import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.caches.FlowTable;
import dev.iod.eswitch.caches.PathCache;
import dev.iod.eswitch.connections.ConnectionTable;
import dev.iod.eswitch.connections.Conntrack;
import dev.iod.eswitch.forward.EventQueue;
import dev.iod.eswitch.forward.PacketEngine;
import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.eswitch.ports.Attachment;
import dev.iod.eswitch.rules.EntityStore;
import dev.iod.eswitch.tunnel.Geneve;
import dev.iod.eswitch.tunnel.Underlay;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.EntityKey;
import dev.iod.pipeline.Match;
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
public final class EngineHarness implements Underlay {
    public static final int OUR_ADDRESS = Frames.address(192, 0, 2, 1);
    public static final int PEER_ADDRESS = Frames.address(192, 0, 2, 2);

    public final ConnectionTable table;
    public final Core core;
    public final Counters counters;
    public final EventQueue events;
    public final Conntrack conntrack;
    public final FlowTable flows;
    public final PathCache paths;
    public final PacketEngine engine;
    final EntityStore store = new EntityStore();
    public final Map<Integer, Attachment> devices = new HashMap<>();
    public final FakePort uplinkPort = new FakePort();
    public final Attachment uplink =
            new Attachment(EngineReport.UPLINK, "uplink", uplinkPort, false, 1500);
    private final PacketBatch batch =
            new PacketBatch(
                    Mapping.anonymous((long) PacketBatch.CAPACITY * PacketBatch.STRIDE).address());
    private final List<EntityStore.Change> changes = new ArrayList<>();
    private long nextRule = 1;
    public long nowMillis = 1_000_000;

    public EngineHarness(Path directory) throws IOException {
        this(directory, 4096, 1024);
    }

    public EngineHarness(Path directory, int flowCapacity, int zoneLimit) throws IOException {
        this(directory, flowCapacity, 4096, new EngineConfig.Limits(zoneLimit, 4096, 4096, 0));
    }

    public EngineHarness(
            Path directory, int flowCapacity, int connections, EngineConfig.Limits limits)
            throws IOException {
        Files.createDirectories(directory);
        table = ConnectionTable.open(directory, connections, nowMillis);
        core = Core.of(table, flowCapacity, limits, this, OUR_ADDRESS);
        counters = core.counters();
        events = core.events();
        conntrack = core.conntrack();
        flows = core.flows();
        paths = core.paths();
        engine = core.packets();
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

    public static long key(int datapath, int port) {
        return (long) datapath << 16 | port;
    }

    public EngineHarness put(Entity entity) {
        changes.add(new EntityStore.Change.Put(entity));
        return this;
    }

    EngineHarness remove(EntityKey key) {
        changes.add(new EntityStore.Change.Remove(key));
        return this;
    }

    public EngineHarness datapath(int key) {
        return put(new Entity.Datapath(key, "dp" + key, 0, 0));
    }

    /** A port on a fake device of the same number as the port. */
    public EngineHarness local(int datapath, int port, int zone) {
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

    public EngineHarness port(int datapath, int port, Target target, int zone) {
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

    public EngineHarness ingress(
            int scope, int table, int priority, Match match, Action... actions) {
        return rule(scope, Action.Stage.INGRESS, table, priority, match, actions);
    }

    public EngineHarness egress(
            int scope, int table, int priority, Match match, Action... actions) {
        return rule(scope, Action.Stage.EGRESS, table, priority, match, actions);
    }

    public void commit() {
        engine.adopt(store.apply(changes, false));
        changes.clear();
    }

    /** Sends frames into a local port as one batch and runs it to completion. */
    public void send(int datapath, int port, byte[]... frames) {
        run(device(datapath, port), frames);
    }

    public void sendUplink(byte[]... frames) {
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
    public void sendMany(int datapath, int port, byte[] frame, int batches) {
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

    public Attachment device(int datapath, int port) {
        Attachment attachment = devices.get(datapath << 8 | port);
        if (attachment == null) {
            throw new AssertionError("no device for port " + port);
        }
        return attachment;
    }

    /** Takes what was delivered to a local port. */
    public List<byte[]> received(int datapath, int port) {
        FakePort fake = (FakePort) device(datapath, port).port;
        List<byte[]> frames = List.copyOf(fake.sent);
        fake.sent.clear();
        return frames;
    }

    public List<byte[]> receivedUplink() {
        List<byte[]> frames = List.copyOf(uplinkPort.sent);
        uplinkPort.sent.clear();
        return frames;
    }
}
