package dev.iod.eswitch.forward;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.base.LongMap;
import dev.iod.eswitch.caches.FlowKey;
import dev.iod.eswitch.caches.FlowOutput;
import dev.iod.eswitch.caches.FlowProgram;
import dev.iod.eswitch.caches.FlowTable;
import dev.iod.eswitch.caches.PathCache;
import dev.iod.eswitch.connections.Budget;
import dev.iod.eswitch.connections.Conntrack;
import dev.iod.eswitch.connections.Sender;
import dev.iod.eswitch.connections.Senders;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.eswitch.packet.PacketParser;
import dev.iod.eswitch.packet.PacketPool;
import dev.iod.eswitch.ports.Attachment;
import dev.iod.eswitch.rules.PersistentMap;
import dev.iod.eswitch.rules.PipelineState;
import dev.iod.eswitch.rules.PipelineState.DatapathState;
import dev.iod.eswitch.tunnel.Tunnels;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.PortKey;
import dev.iod.pipeline.ReportCodec;
import dev.iod.sys.Memory;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The way of a packet: parse, look its flow up, do what the flow says or run the pipeline and
 * remember. Engine thread only.
 */
public final class PacketEngine implements Effects {
    private static final System.Logger LOG = System.getLogger(PacketEngine.class.getName());

    /** Copies one packet may have at a time: clones and multicast members nest. */
    private static final int POOL = 64;

    private static final long LOG_MILLIS = 10_000;

    private final Counters counters;
    private final Conntrack conntrack;
    private final FlowTable flows;
    private final EventQueue events;
    private final Senders remoteSenders;
    private final Tunnels tunnels;
    private final PacketPool pool = new PacketPool(POOL);
    private final Recording recording;
    private final PathFollower follower;
    private final SlowPath slowPath;
    private final LongMap<Attachment> devices = new LongMap<>();
    private final FlowKey[] keys = new FlowKey[PacketBatch.CAPACITY];
    private final int[] hashes = new int[PacketBatch.CAPACITY];
    private final FlowKey.Cacheability[] cacheabilities =
            new FlowKey.Cacheability[PacketBatch.CAPACITY];

    /** Whether a packet has the key of the one before it: frames of a flow come in trains. */
    private final boolean[] repeats = new boolean[PacketBatch.CAPACITY];

    private final Sender[] senders = new Sender[PacketBatch.CAPACITY];
    private final @Nullable FlowProgram[] found = new FlowProgram[PacketBatch.CAPACITY];
    private final Packet[] packets = new Packet[PacketBatch.CAPACITY];

    /** Devices with frames of this batch to send; a device may be here twice. */
    private final List<Attachment> waiting = new ArrayList<>();

    /** The device last sent to: one load less for the next frame of a train. */
    private @Nullable Attachment lastTarget;

    private @Nullable Attachment from;
    private Sender charged = new Sender(Senders.NOBODY, Budget.UNLIMITED);
    private long work;
    private PipelineState state = PipelineState.EMPTY;
    private long version;
    private long nowMillis;
    private long nextLogMillis;

    /** Keeps the compiler from leaving out loads whose value nobody needs. */
    long sink;

    /**
     * @param remoteSenders who is charged for packets from tunnels
     */
    public PacketEngine(
            Counters counters,
            Conntrack conntrack,
            FlowTable flows,
            PathCache paths,
            EventQueue events,
            Senders remoteSenders,
            Tunnels tunnels) {
        this.counters = counters;
        this.conntrack = conntrack;
        this.flows = flows;
        this.events = events;
        this.remoteSenders = remoteSenders;
        this.tunnels = tunnels;
        this.recording = new Recording(conntrack, paths, this, false);
        this.follower = new PathFollower(paths, recording, counters);
        this.slowPath = new SlowPath(pool, recording, this);
        for (int i = 0; i < PacketBatch.CAPACITY; i++) {
            packets[i] = new Packet();
            keys[i] = new FlowKey();
            senders[i] = charged;
        }
    }

    public void adopt(PipelineState next) {
        PersistentMap<Integer, Long> before = state.portOfDevice();
        state = next;
        version++;
        PersistentMap.difference(
                before,
                next.portOfDevice(),
                id -> {
                    Attachment device = devices.get(id);
                    if (device != null) {
                        device.logicalPort = logicalPort(id);
                    }
                });
    }

    private long logicalPort(int device) {
        Long port = state.portOfDevice().get(device);
        return port == null ? 0 : port;
    }

    public void attach(Attachment attachment) {
        if (attachment.isUplink()) {
            tunnels.uplink(attachment);
        } else {
            attachment.logicalPort = logicalPort(attachment.id);
            devices.put(attachment.id, attachment);
            lastTarget = null;
        }
    }

    public void detach(Attachment attachment) {
        if (attachment.isUplink()) {
            tunnels.uplink(null);
        } else {
            devices.remove(attachment.id);
            lastTarget = null;
        }
    }

    /**
     * Handles everything in the batch; ports are flushed by the caller. In stages, so that the
     * memory one packet waits for is fetched while others are worked on: parse and hash all, touch
     * the flow table for all, act on all in order.
     *
     * @return steps of known paths and tables of the pipeline the batch needed
     */
    public long process(Attachment source, PacketBatch batch, long now) {
        from = source;
        nowMillis = now;
        work = 0;
        for (int i = 0; i < batch.count; i++) {
            Packet p = packets[i];
            p.address = batch.address(i);
            p.length = batch.length[i];
            source.receivedPackets++;
            source.receivedBytes += p.length;
            prepare(source, p, i);
        }
        counters.add(Counter.RECEIVED, batch.count);
        find(batch.count);
        for (int i = 0; i < batch.count; i++) {
            if (!packets[i].halted) {
                act(source, packets[i], i);
            }
        }
        for (int i = 0; i < waiting.size(); i++) {
            sendWaiting(waiting.get(i));
        }
        waiting.clear();
        return work;
    }

    /** One tight loop per dependent load: the processor overlaps what many packets wait for. */
    private void find(int count) {
        long touched = 0;
        for (int i = 0; i < count; i++) {
            boolean entry = cacheabilities[i] == FlowKey.Cacheability.ENTRY;
            touched += entry && !repeats[i] ? flows.touch(hashes[i]) : 0;
        }
        for (int i = 0; i < count; i++) {
            if (repeats[i]) {
                found[i] = found[i - 1];
            } else {
                boolean entry = cacheabilities[i] == FlowKey.Cacheability.ENTRY;
                found[i] = entry ? flows.find(keys[i], hashes[i]) : null;
            }
        }
        for (int i = 0; i < count; i++) {
            FlowProgram program = found[i];
            touched += program == null || repeats[i] ? 0 : program.touch();
        }
        for (int i = 0; i < count; i++) {
            FlowProgram program = found[i];
            touched += program == null || repeats[i] ? 0 : program.touchConnections(conntrack);
        }
        sink = touched;
    }

    private void report(RuntimeException e) {
        if (nowMillis >= nextLogMillis) {
            nextLogMillis = nowMillis + LOG_MILLIS;
            LOG.log(System.Logger.Level.ERROR, "a packet met a defect of the engine", e);
        }
    }

    private void prepare(Attachment source, Packet p, int index) {
        p.clearIdentity();
        cacheabilities[index] = FlowKey.Cacheability.NONE;
        repeats[index] = false;
        DropReason reason;
        try {
            reason = enter(source, p, keys[index], index);
        } catch (RuntimeException e) {
            report(e);
            reason = DropReason.INTERNAL;
        }
        if (reason != null) {
            p.end(reason);
            dropped(p, reason);
        }
    }

    private @Nullable DropReason enter(Attachment source, Packet p, FlowKey key, int index) {
        DropReason reason = PacketParser.parse(p);
        if (reason != null) {
            return reason;
        }
        long ingress;
        if (source.isUplink()) {
            reason = tunnels.unwrap(p);
            if (reason != null) {
                return reason;
            }
            senders[index] = remoteSenders.remote(tunnels.vni(), tunnels.ingress());
            ingress = FlowKey.tunnel(tunnels.vni(), tunnels.ports());
        } else if (source.logicalPort != 0) {
            p.inPort = source.logicalPort;
            p.fromService = source.service;
            senders[index] = source.sender;
            ingress = FlowKey.device(source.id);
        } else {
            return DropReason.UNBOUND_DEVICE;
        }
        p.sender = senders[index].key;
        FlowKey.Cacheability cacheability = key.of(p, ingress);
        cacheabilities[index] = cacheability;
        if (cacheability == FlowKey.Cacheability.ENTRY) {
            repeats[index] =
                    index > 0
                            && cacheabilities[index - 1] == FlowKey.Cacheability.ENTRY
                            && key.same(keys[index - 1]);
            hashes[index] = repeats[index] ? hashes[index - 1] : key.hash();
        }
        return null;
    }

    private void act(Attachment source, Packet p, int index) {
        try {
            if (cacheabilities[index] != FlowKey.Cacheability.ENTRY || !hit(p, index)) {
                miss(source, p, index);
            }
        } catch (RuntimeException e) {
            dropped(p, DropReason.INTERNAL);
            report(e);
        }
    }

    private boolean hit(Packet p, int index) {
        FlowProgram program = found[index];
        if (program == null || !program.current(state, version)) {
            // An earlier packet of the batch may have begun the flow, or made its entry anew.
            program = flows.find(keys[index], hashes[index]);
        }
        if (program == null) {
            return false;
        }
        if (!program.current(state, version)) {
            flows.remove(keys[index], hashes[index]);
            counters.add(Counter.FLOW_STALE);
            return false;
        }
        if (!program.admits(p, conntrack, nowMillis)) {
            counters.add(Counter.FLOW_STALE);
            return false;
        }
        counters.add(Counter.FLOW_HITS);
        program.use(p.length, nowMillis);
        FlowOutput only = program.only;
        if (only != null && only.device != FlowOutput.TUNNEL) {
            only.rewrite(p);
            enqueue(p, only);
        } else if (only != null) {
            only.rewrite(p);
            send(p, only);
        } else {
            sendAll(p, program);
        }
        return true;
    }

    private void sendAll(Packet p, FlowProgram program) {
        for (DropReason reason : program.drops) {
            dropped(p, reason);
        }
        for (FlowOutput output : program.outputs) {
            send(p, output, false);
        }
    }

    @Override
    public void send(Packet p, FlowOutput output, boolean last) {
        if (last) {
            output.rewrite(p);
            send(p, output);
        } else if (output.rewrites()) {
            Packet copy = pool.take();
            copy.copyFrom(p);
            output.rewrite(copy);
            send(copy, output);
            pool.give(copy);
        } else {
            long inPort = p.inPort;
            send(p, output);
            p.inPort = inPort;
        }
    }

    private void send(Packet p, FlowOutput output) {
        if (output.device == FlowOutput.TUNNEL) {
            sent(p, tunnels.send(p, output.address, output.datapath, output.metadata));
        } else {
            p.inPort = output.inPort;
            toDevice(p, output.device);
        }
    }

    private void miss(Attachment source, Packet p, int index) {
        FlowKey.Cacheability cacheability = cacheabilities[index];
        charged = senders[index];
        int length = p.length;
        p.clearState();
        recording.begin(version, nowMillis);
        if (cacheability != FlowKey.Cacheability.NONE
                && follower.follow(p, keys[index], state, version)) {
            count(source, Counter.PATH_HITS);
            work += recording.taken();
        } else {
            runPipeline(source, p);
        }
        FlowProgram program =
                cacheability == FlowKey.Cacheability.ENTRY ? recording.program(charged) : null;
        if (program != null) {
            program.use(length, nowMillis);
            if (!flows.put(keys[index], hashes[index], program)) {
                count(source, Counter.FLOW_LIMIT);
            }
        }
    }

    private void count(Attachment source, Counter counter) {
        counters.add(counter);
        source.counters.add(counter);
    }

    private void runPipeline(Attachment source, Packet p) {
        if (!charged.misses.take(nowMillis)) {
            recording.obstacle(Counter.UNCACHED_SHAPE);
            dropped(p, DropReason.MISS_LIMIT);
            return;
        }
        count(source, Counter.FLOW_MISSES);
        p.clearConnection(); // What the known part of its path looked up.
        if (source.isUplink()) {
            slowPath.fromTunnel(state, p);
        } else {
            slowPath.ingress(state, p);
        }
        work += slowPath.tables();
        recording.end();
        Counter obstacle = recording.pathObstacle();
        if (obstacle != null) {
            count(source, obstacle);
        }
    }

    @Override
    public void toDevice(Packet p, int device) {
        Attachment to = target(p, device);
        if (to != null) {
            sendWaiting(to); // Before this one: frames keep their order.
            sent(p, to.transmit(p, DropReason.DEVICE_BUSY));
        }
    }

    /** The device a packet may leave by; else it is dropped. */
    private @Nullable Attachment target(Packet p, int device) {
        Attachment to = lastTarget;
        if (to == null || to.id != device) {
            to = devices.get(device);
            lastTarget = to;
        }
        if (to == null) {
            dropped(p, DropReason.UNKNOWN_OUTPUT);
        } else if (p.length - p.l3 > to.mtuBytes) {
            to.drop(DropReason.TOO_LARGE);
            dropped(p, DropReason.TOO_LARGE);
            return null;
        }
        return to;
    }

    /**
     * As {@link #toDevice}, for a packet that stays in the batch: all go at once when it is done.
     */
    private void enqueue(Packet p, FlowOutput output) {
        Attachment to = target(p, output.device);
        if (to != null) {
            if (to.waiting() == 0) {
                waiting.add(to);
            }
            to.enqueue(p, output.inPort);
        }
    }

    private void sendWaiting(Attachment to) {
        int count = to.waiting();
        if (count == 0) {
            return;
        }
        int refused = to.sendWaiting(DropReason.DEVICE_BUSY);
        counters.add(Counter.SENT, count - refused);
        for (int i = 0; i < refused; i++) {
            counters.drop(DropReason.DEVICE_BUSY);
            charge(DropReason.DEVICE_BUSY);
        }
    }

    @Override
    public void toTunnel(Packet p, int address, long egressKey) {
        int ports = Tunnels.metadata(p.inPort, egressKey);
        sent(p, tunnels.send(p, address, p.datapath, ports));
    }

    private void sent(Packet p, @Nullable DropReason reason) {
        if (reason == null) {
            counters.add(Counter.SENT);
        } else {
            dropped(p, reason);
        }
    }

    @Override
    public void dropped(Packet p, DropReason reason) {
        counters.drop(reason);
        charge(reason);
    }

    /** Notes a drop at the device the packet came from. */
    private void charge(DropReason reason) {
        Attachment source = from;
        if (source != null) {
            source.drop(reason);
        }
    }

    @Override
    public void neighborLearned(long port, Bits ip, long mac) {
        events.neighbor(port, ip, mac, nowMillis, charged.neighbors);
    }

    @Override
    public void unsupported(String cookie, String what) {
        events.unsupported(cookie, what, nowMillis);
    }

    /** Removes some idle and stale entries of the flow table. */
    public void sweepFlows(int entries, long now) {
        flows.sweep(entries, state, version, now);
    }

    public EngineReport.Connections connections(int cursor, int max, long now) {
        return conntrack.report(cursor, max, now);
    }

    /** Runs a frame through the pipeline without effects and says which rules it met. */
    public EngineReport.Trace trace(ReportCodec.Query.Trace query, long now) {
        Tracer tracer = new Tracer(query.assumed());
        long inPort = query.inPort();
        byte[] frame = query.frame();
        if (frame.length > PacketBatch.MAX_PACKET || pool.isEmpty()) {
            tracer.note("the frame is too long");
            return tracer.report();
        }
        Packet p = pool.take();
        try {
            p.length = frame.length;
            Memory.copyFromArray(frame, 0, p.address, frame.length);
            DropReason reason = PacketParser.parse(p);
            if (reason != null) {
                tracer.dropped(p, reason);
                return tracer.report();
            }
            p.inPort = inPort;
            DatapathState datapath = state.datapath(PortKey.datapath(inPort));
            if (datapath == null) {
                tracer.note("no datapath " + PortKey.datapath(inPort));
                return tracer.report();
            }
            Recording recording = new Recording(conntrack, new PathCache(counters), tracer, true);
            recording.begin(version, now);
            new SlowPath(pool, recording, tracer).ingress(state, p);
            return tracer.report();
        } finally {
            pool.give(p);
        }
    }
}
