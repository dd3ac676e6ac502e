package dev.iod.eswitch;

import static dev.iod.eswitch.testing.EngineHarness.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.ControlServer;
import dev.iod.engine.EngineException;
import dev.iod.engine.FrameChannel;
import dev.iod.eswitch.connections.Conntrack;
import dev.iod.eswitch.ports.Port;
import dev.iod.eswitch.rules.PipelineState;
import dev.iod.eswitch.testing.EngineHarness;
import dev.iod.eswitch.testing.FakePort;
import dev.iod.eswitch.testing.Frames;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineEvent;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.FrameType;
import dev.iod.pipeline.Match;
import dev.iod.pipeline.testing.SampleEntities;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Agent, control socket and engine thread in one process; only the ports are in memory. */
@Timeout(60)
final class ControlTest implements EngineClient.Listener {
    @TempDir Path directory;
    private final Map<String, FakePort> ports = new ConcurrentHashMap<>();
    private final BlockingQueue<EngineEvent> events = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> connections = new LinkedBlockingQueue<>();
    private EngineHarness harness;
    private EngineThread thread;
    private EngineControl control;
    private AgentServer server;
    private EngineClient client;
    private volatile boolean refuseDevices;

    @BeforeEach
    void start() throws Exception {
        harness = new EngineHarness(directory);
        thread = new EngineThread(harness.core, OptionalInt.empty());
        control =
                new EngineControl(
                        thread, harness.core, harness, new StateFile(directory), this::open);
        thread.start();
        control.start();
        server = AgentServer.start(control, harness.events, directory.resolve("s"));
        client = EngineClient.open(directory.resolve("s"), "test", this);
        assertThat(connections.poll(20, TimeUnit.SECONDS)).isEqualTo("connected");
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
        control.close();
        thread.close();
    }

    private Port open(Entity.Device device) {
        if (refuseDevices) {
            throw new EngineException(EngineException.Category.UNAVAILABLE, "not yet");
        }
        FakePort port = new FakePort();
        ports.put(device.name(), port);
        return port;
    }

    private FakePort opened(String device) {
        FakePort port = ports.get(device);
        if (port == null) {
            throw new AssertionError("no port was opened for " + device);
        }
        return port;
    }

    @Override
    public void connected(EngineClient to) {
        connections.add("connected");
    }

    @Override
    public void disconnected(String reason) {
        connections.add("disconnected");
    }

    @Override
    public void event(EngineEvent event) {
        events.add(event);
    }

    private static Entity.Device device(int id, int mtu) {
        return new Entity.Device(id, "d" + id, new Entity.Kind.VhostUser("/x" + id, 1), mtu);
    }

    private static Entity.LogicalPort port(int key, int device) {
        return new Entity.LogicalPort(
                key(1, key), "p" + key, new Target.Local(device), 0, Optional.empty());
    }

    private static Entity.Rule rule(int id, Action... actions) {
        return new Entity.Rule(
                id,
                "rule" + id,
                1,
                Action.Stage.INGRESS,
                0,
                id,
                new Match.Always(),
                List.of(actions));
    }

    @Test
    void replacementKeepsWhatStaysAndRemovesTheRest() {
        client.transaction()
                .put(new Entity.Datapath(1, "a", 0, 0))
                .put(device(1, 1442))
                .put(device(2, 1442))
                .put(device(3, 1442))
                .put(port(1, 1))
                .commit()
                .join();
        FakePort first = opened("d1");
        FakePort second = opened("d2");
        FakePort third = opened("d3");
        client.replacement()
                .put(new Entity.Datapath(1, "a", 0, 0))
                .put(device(1, 1442))
                .put(device(2, 1400))
                .commit()
                .join();
        assertThat(first.closed).isFalse();
        assertThat(opened("d1")).isSameAs(first);
        assertThat(second.closed).isTrue();
        assertThat(opened("d2")).isNotSameAs(second);
        assertThat(third.closed).isTrue();
        assertThat(client.devices().join().devices())
                .extracting(EngineReport.DeviceStatus::id)
                .containsExactlyInAnyOrder(1, 2);
        assertThat(trace()).contains("no match");
    }

    private String trace() {
        byte[] frame = Frames.ethernet(2, 4, 0x0800, Frames.udp4(1, 2, 3, 4, new byte[5]));
        return client.trace(key(1, 1), frame).join().toString();
    }

    @Test
    void invalidTransactionsApplyNothing() {
        client.transaction().put(new Entity.Datapath(1, "a", 0, 0)).commit().join();
        assertThatThrownBy(
                        () ->
                                client.transaction()
                                        .put(rule(1, new Action.Drop()))
                                        .put(new Entity.Datapath(0, "zero", 0, 0))
                                        .commit()
                                        .join())
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("datapath key must be 1 to");
        assertThat(trace()).doesNotContain("rule1");
    }

    @Test
    void traceNamesRulesAndHasNoEffect() {
        client.transaction()
                .put(new Entity.Datapath(1, "a", 0, 0))
                .put(device(2, 1442))
                .put(port(1, 1))
                .put(port(2, 2))
                .put(
                        rule(
                                7,
                                new Action.Set(Field.OUT_PORT.whole(), Bits.of(key(1, 2))),
                                new Action.Output()))
                .put(
                        new Entity.Rule(
                                8,
                                "out",
                                1,
                                Action.Stage.EGRESS,
                                0,
                                1,
                                new Match.Always(),
                                List.of(new Action.Output())))
                .commit()
                .join();
        assertThat(trace()).contains("rule7").contains("out").contains("output to device 2");
        assertThat(opened("d2").sent).isEmpty();
        assertThat(client.flows(10).join().total()).isZero();
        assertThat(client.counters().join().drops()).isEmpty();
    }

    @Test
    void traceTakesAssumptionsForConntrack() {
        client.transaction()
                .put(new Entity.Datapath(1, "a", 0, 0))
                .put(device(2, 1442))
                .put(
                        new Entity.LogicalPort(
                                key(1, 1), "p1", new Target.Local(2), 7, Optional.empty()))
                .put(
                        rule(
                                0,
                                new Match.Always(),
                                new Action.ConntrackNext(Action.Zone.PORT),
                                next(1)))
                .put(
                        rule(
                                1,
                                state(Conntrack.NEW),
                                new Action.ConntrackNext(Action.Zone.PORT),
                                next(2)))
                .put(
                        rule(
                                2,
                                state(Conntrack.ESTABLISHED | Conntrack.REPLY),
                                new Action.Set(Field.OUT_PORT.whole(), Bits.of(key(1, 1))),
                                new Action.Set(Field.FLAGS.whole(), Bits.of(1)),
                                new Action.Set(Field.ETH_DST.whole(), Bits.of(0x99)),
                                new Action.Output()))
                .put(
                        new Entity.Rule(
                                99,
                                "out",
                                1,
                                Action.Stage.EGRESS,
                                0,
                                1,
                                new Match.Always(),
                                List.of(new Action.Output())))
                .commit()
                .join();
        byte[] frame = Frames.ethernet(2, 4, 0x0800, Frames.udp4(1, 2, 3, 4, new byte[5]));
        var first = new EngineReport.AssumedConnection(Conntrack.NEW, 0);
        var second = new EngineReport.AssumedConnection(Conntrack.ESTABLISHED | Conntrack.REPLY, 5);
        EngineReport.Trace trace = client.trace(key(1, 1), frame, List.of(first, second)).join();
        assertThat(trace.outputs()).hasSize(1);
        EngineReport.TraceOutput output = trace.outputs().getFirst();
        assertThat(output.device()).isEqualTo(2);
        assertThat(output.outPort()).isEqualTo(key(1, 1));
        frame[5] = (byte) 0x99;
        assertThat(output.frame()).startsWith(0, 0, 0, 0, 0, 0x99).isEqualTo(frame);
        assertThat(client.trace(key(1, 1), frame, List.of(first)).join().outputs()).isEmpty();
        assertThat(client.trace(key(1, 1), frame).join().outputs()).isEmpty();
    }

    private static Match state(int bits) {
        return new Match.Masked(Field.CT_STATE, Bits.of(bits | 32), Bits.of(0xff));
    }

    private static Action next(int table) {
        return new Action.Next(Action.Stage.INGRESS, table);
    }

    private static Entity.Rule rule(int table, Match match, Action... actions) {
        return new Entity.Rule(
                50 + table,
                "t" + table,
                1,
                Action.Stage.INGRESS,
                table,
                5,
                match,
                List.of(actions));
    }

    @Test
    void portsHaveTheirTurnBetweenManyCommands() {
        client.transaction().put(device(1, 1442)).commit().join();
        FakePort port = opened("d1");
        var polls = new ArrayList<CompletableFuture<Long>>();
        for (int i = 0; i < 2000; i++) {
            polls.add(thread.call(() -> port.polls));
        }
        Map<Long, Long> commandsOfTurn =
                polls.stream()
                        .map(CompletableFuture::join)
                        .collect(Collectors.groupingBy(poll -> poll, Collectors.counting()));
        assertThat(commandsOfTurn.values())
                .allSatisfy(n -> assertThat(n).isLessThanOrEqualTo(EngineThread.MOST_COMMANDS));
        assertThat(client.counters().join().counters().get(Counter.LONGEST_TURN_MICROS))
                .isPositive();
    }

    @Test
    void thePlaneOfPacketsBelongsToOneThread() {
        assertThatThrownBy(() -> thread.attachments()).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> thread.adopt(PipelineState.EMPTY))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void aBrokenPortIsCountedAndHoldsNobodyUp() {
        client.transaction().put(device(1, 1442)).put(device(2, 1442)).commit().join();
        opened("d1").broken = true;
        FakePort other = opened("d2");
        long before = thread.call(() -> other.polls).join();
        while (failures() < 100 || thread.call(() -> other.polls).join() == before) {
            Thread.onSpinWait();
        }
        opened("d1").broken = false;
        assertThat(client.devices().join().devices())
                .anySatisfy(
                        device ->
                                assertThat(device.counters().get(Counter.RECEIVE_FAILURES))
                                        .isGreaterThanOrEqualTo(100));
    }

    private long failures() {
        return client.counters().join().counters().getOrDefault(Counter.RECEIVE_FAILURES, 0L);
    }

    @Test
    void whatPortsDropThemselvesCountsForTheNodeAlsoWhenTheyAreGone() {
        client.transaction().put(device(1, 1442)).put(device(2, 1442)).commit().join();
        opened("d1").drops = 3;
        opened("d2").drops = 4;
        assertThat(client.counters().join().drops()).containsEntry(DropReason.FRAME_LENGTH, 7L);
        client.replacement().put(device(2, 1442)).commit().join();
        assertThat(client.counters().join().drops()).containsEntry(DropReason.FRAME_LENGTH, 7L);
    }

    @Test
    void lostAgentChangesNothingAndComesBack() throws Exception {
        client.transaction()
                .put(new Entity.Datapath(1, "a", 0, 0))
                .put(device(1, 1442))
                .commit()
                .join();
        FakePort port = opened("d1");
        server.close();
        assertThat(connections.poll(20, TimeUnit.SECONDS)).isEqualTo("disconnected");
        assertThatThrownBy(() -> client.counters().join())
                .cause()
                .hasMessageContaining("not connected");
        server = AgentServer.start(control, harness.events, directory.resolve("s"));
        assertThat(connections.poll(20, TimeUnit.SECONDS)).isEqualTo("connected");
        assertThat(port.closed).isFalse();
        assertThat(client.devices().join().devices()).hasSize(1);
    }

    @Test
    void agentsThatSpeakNonsenseAreCutOff() throws Exception {
        try (SocketChannel socket =
                SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("s")))) {
            FrameChannel agent = new FrameChannel(socket);
            agent.send(FrameChannel.HELLO, 0, FrameChannel.hello(FrameType.VERSION, "bad"));
            FrameChannel.readHello(agent.receive(), FrameType.VERSION);
            agent.send(FrameType.PUT.code(), 0, new byte[3]);
            assertThatThrownBy(
                            () -> {
                                while (true) {
                                    agent.receive();
                                }
                            })
                    .isInstanceOf(java.io.IOException.class);
        }
        assertThat(client.counters().join()).isNotNull();
    }

    /** Frames of every type with anything in them: the agent is thrown out, the others stay. */
    @Test
    void hostileFramesEndTheirOwnConnection() throws Exception {
        long seed = Long.getLong("seed", 17);
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        int connections = Boolean.getBoolean("iod.full") ? 5000 : 150;
        int frames = 0;
        for (int i = 0; i < connections; i++) {
            try (var agent = agent()) {
                if (random.nextInt(5) != 0) {
                    agent.write(hello());
                }
                for (int left = random.nextInt(20); left >= 0; left--) {
                    agent.write(frame(random));
                    frames++;
                }
                agent.shutdownOutput();
                ByteBuffer answers = ByteBuffer.allocate(1 << 16);
                while (agent.read(answers) >= 0) {
                    answers.clear();
                }
            } catch (IOException e) {
                // Thrown out while it was still sending.
            }
        }
        System.out.println(frames + " frames over " + connections + " connections");
        client.transaction().put(device(1, 1442)).commit().join();
        assertThat(client.devices().join().devices()).anyMatch(d -> d.name().equals("d1"));
    }

    @Test
    void connectionsThatSayNothingAreBounded() throws Exception {
        List<SocketChannel> silent = new ArrayList<>();
        // The client of the test is one of them.
        for (int i = 1; i < ControlServer.MAX_AGENTS; i++) {
            silent.add(agent());
        }
        try (var refused = agent()) {
            assertThat(refused.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
        assertThat(client.counters().join()).isNotNull();
        for (SocketChannel channel : silent) {
            channel.close();
        }
    }

    private SocketChannel agent() throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("s")));
    }

    private static ByteBuffer hello() {
        return framed(FrameChannel.HELLO, FrameChannel.hello(FrameType.VERSION, "hostile"));
    }

    private static ByteBuffer framed(int type, byte[] body) {
        ByteBuffer frame = ByteBuffer.allocate(9 + body.length);
        return frame.putInt(5 + body.length).put((byte) type).putInt(3).put(body).flip();
    }

    private static ByteBuffer frame(SplittableRandom random) {
        List<Entity> entities = SampleEntities.all();
        int type = random.nextInt(20) == 0 ? random.nextInt(256) : 1 + random.nextInt(5);
        byte[] body =
                switch (type) {
                    case 1 -> new byte[1];
                    case 2 -> SampleEntities.bytes(entities.get(random.nextInt(entities.size())));
                    default -> new byte[random.nextInt(20)];
                };
        if (random.nextInt(4) == 0 && body.length > 0) {
            body[random.nextInt(body.length)] = (byte) random.nextInt();
        }
        ByteBuffer frame = framed(type, body);
        if (random.nextInt(30) == 0) {
            frame.putInt(0, random.nextInt());
        }
        return frame;
    }

    @Test
    void devicesThatAreNotThereYetAreTriedAgain() throws Exception {
        refuseDevices = true;
        client.transaction().put(device(1, 1442)).commit().join();
        assertThat(client.devices().join().devices()).isEmpty();
        refuseDevices = false;
        EngineEvent event = events.poll(20, TimeUnit.SECONDS);
        assertThat(event).isEqualTo(new EngineEvent.DeviceState(1, true));
    }
}
