package dev.iod.eswitch.testing;

import static dev.iod.eswitch.testing.EngineHarness.key;

import dev.iod.pipeline.Action;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Action.Zone;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Masked;
import dev.iod.pipeline.Entity.PortSecurity.Allowed;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.EntityKey;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Two networks with rules of all shapes: one with local ports, a remote one and a group, behind a
 * patch another with one port. What is random of them comes from a seed, so that two engines can be
 * given the same.
 */
public final class RandomNetworks {
    public static final int PORTS = 4;

    /** Stands for the other network's port, in frames and for {@link #train}. */
    public static final int BEYOND = 5;

    private static final int OTHER = 2;
    private static final int PATCH = 7;
    private static final Match ANY = new Match.Always();
    private static final Match IP = Match.equal(Field.ETH_TYPE, 0x0800);
    private static final Match SIX = Match.equal(Field.ETH_TYPE, 0x86dd);

    private RandomNetworks() {}

    /** Frames of two flows: some of one, some of the other, as they come in a batch. */
    public static byte[][] train(SplittableRandom random, int port) {
        byte[][] flows = {frame(random, port), frame(random, port)};
        byte[][] train = new byte[1 + random.nextInt(5)][];
        int flow = 0;
        for (int i = 0; i < train.length; i++) {
            flow ^= random.nextInt(4) == 0 ? 1 : 0;
            train[i] = flows[flow];
        }
        return train;
    }

    /** Changes one thing that paths depend on; both engines are given the same. */
    public static void disturb(EngineHarness engine, SplittableRandom random) {
        int port = 1 + random.nextInt(PORTS - 1);
        switch (random.nextInt(9)) {
            case 0 ->
                    engine.ingress(
                            1,
                            2,
                            1000,
                            new Match.All(List.of(IP, Match.equal(Field.L4_DST, 99))),
                            new Action.Drop());
            case 1 -> secure(engine, port, random.nextInt(5));
            case 2 -> engine.port(1, port, target(port, random.nextInt(3)), 10 + port);
            case 3 -> engine.put(flood(random.nextInt(1 << PORTS)));
            case 4 -> source(engine, random.nextInt(8), random.nextBoolean());
            case 5 -> engine.put(neighbor(random.nextInt(5)));
            case 6 -> engine.port(OTHER, 1, beyond(random.nextInt(6)), 21);
            case 7 -> engine.port(1, PATCH, patch(random.nextInt(4) > 0), 0);
            default -> {
                if (random.nextInt(4) == 0) {
                    engine.remove(EntityKey.datapath(OTHER));
                } else {
                    engine.datapath(OTHER);
                }
            }
        }
        engine.commit();
    }

    private static Target beyond(int kind) {
        return switch (kind) {
            case 0 -> new Target.Nowhere();
            case 1 -> new Target.Remote(EngineHarness.PEER_ADDRESS);
            default -> new Target.Local(OTHER << 8 | 1);
        };
    }

    private static Target patch(boolean joined) {
        return joined ? new Target.Peer(key(OTHER, PATCH)) : new Target.Nowhere();
    }

    /** Where a port is: here, at the peer, or nowhere known. */
    private static Target target(int port, int kind) {
        return switch (kind) {
            case 0 -> new Target.Nowhere();
            case 1 -> new Target.Remote(EngineHarness.PEER_ADDRESS);
            default -> new Target.Local(1 << 8 | port);
        };
    }

    private static Entity flood(int members) {
        return new Entity.MulticastGroup(
                key(1, 0x8000),
                "flood",
                IntStream.rangeClosed(1, PORTS)
                        .filter(port -> (members >> port - 1 & 1) != 0)
                        .mapToLong(port -> key(1, port))
                        .toArray());
    }

    private static void source(EngineHarness engine, int last, boolean member) {
        Masked address = new Masked(Bits.of(Frames.address(10, 0, 0, last)), Bits.ones(32));
        if (member) {
            engine.put(new Entity.SetMember("sources", address));
        } else {
            engine.remove(EntityKey.setMember("sources", address));
        }
    }

    private static Entity neighbor(int mac) {
        return new Entity.Neighbor(key(1, 2), Bits.of(Frames.address(10, 0, 0, 3)), mac);
    }

    public static void build(EngineHarness engine, SplittableRandom random) {
        engine.datapath(1);
        for (int port = 1; port < PORTS; port++) {
            engine.local(1, port, 10 + port);
            secure(engine, port, random.nextInt(5));
        }
        source(engine, 1, true);
        source(engine, 4, true);
        engine.put(neighbor(3));
        engine.port(1, PORTS, new Target.Remote(EngineHarness.PEER_ADDRESS), 0);
        engine.put(flood((1 << PORTS) - 1));
        other(engine);
        engine.ingress(1, 0, 19, Match.equal(Field.REG9, 9), new Action.Drop());
        engine.ingress(1, 0, 10, SIX, new Action.ConntrackNext(Zone.PORT), next(Stage.INGRESS, 1));
        engine.ingress(1, 0, 10, IP, new Action.ConntrackNext(Zone.PORT), next(Stage.INGRESS, 1));
        engine.ingress(1, 0, 0, ANY, next(Stage.INGRESS, 3));
        acl(engine, Stage.INGRESS, 1, 2, random);
        Action mark =
                new Action.ConntrackCommit(
                        Zone.PORT,
                        List.of(
                                new Action.Set(Field.CT_MARK.slice(0, 1), Bits.ZERO),
                                new Action.Copy(
                                        Field.L4_DST.whole(), Field.CT_LABEL.slice(16, 16))));
        engine.ingress(1, 2, 10, Match.equal(Field.REG1, 1), mark, next(Stage.INGRESS, 3));
        engine.ingress(1, 2, 0, ANY, next(Stage.INGRESS, 3));
        random(engine, random);
        for (int port = 1; port <= PORTS; port++) {
            engine.ingress(
                    1,
                    4,
                    5,
                    Match.equal(Field.ETH_DST, port),
                    out(key(1, port)),
                    new Action.Output());
        }
        engine.ingress(
                1,
                4,
                5,
                Match.equal(Field.ETH_DST, BEYOND),
                out(key(1, PATCH)),
                new Action.Output());
        engine.ingress(1, 4, 0, ANY, out(key(1, 0x8000)), new Action.Output());
        engine.egress(
                1,
                0,
                20,
                Match.equal(Field.REG8, 0),
                new Action.PortSecurityOut(Field.REG8.slice(3, 1)),
                new Action.Set(Field.REG8.slice(0, 1), Bits.of(1)),
                next(Stage.EGRESS, 0));
        engine.egress(1, 0, 19, Match.equal(Field.REG8, 9), new Action.Drop());
        engine.egress(1, 0, 10, IP, new Action.ConntrackNext(Zone.PORT), next(Stage.EGRESS, 1));
        engine.egress(1, 0, 0, ANY, new Action.Output());
        acl(engine, Stage.EGRESS, 1, 2, random);
        engine.egress(
                1,
                2,
                10,
                Match.equal(Field.REG1, 1),
                new Action.ConntrackCommit(Zone.PORT, List.of()),
                new Action.Output());
        engine.egress(1, 2, 0, ANY, new Action.Output());
        engine.commit();
    }

    /** The network behind the patch: it routes, and forwards to its port or back. */
    private static void other(EngineHarness engine) {
        engine.datapath(OTHER).local(OTHER, 1, 21);
        engine.port(1, PATCH, patch(true), 0);
        engine.port(OTHER, PATCH, new Target.Peer(key(1, PATCH)), 0);
        Match back = Match.equal(Field.IN_PORT, key(OTHER, 1));
        engine.ingress(OTHER, 0, 3, back, out(key(OTHER, PATCH)), new Action.Output());
        Action there = out(key(OTHER, 1));
        engine.ingress(OTHER, 0, 2, SIX, there, new Action.Output());
        engine.ingress(OTHER, 0, 0, IP, new Action.DecrementTtl(), there, new Action.Output());
        engine.egress(OTHER, 0, 1, IP, new Action.ConntrackNext(Zone.PORT), next(Stage.EGRESS, 1));
        engine.egress(OTHER, 0, 0, ANY, new Action.Output());
        engine.egress(OTHER, 1, 0, ANY, new Action.Output());
    }

    /**
     * Port security of some kind: none, MAC, with an address, with a prefix, or of another port.
     */
    private static void secure(EngineHarness engine, int port, int kind) {
        Masked one = new Masked(Bits.of(Frames.address(10, 0, 0, port)), Bits.ones(32));
        Masked prefix = new Masked(Bits.of(Frames.address(10, 0, 0, 0)), Bits.of(0xffff_fffcL));
        Masked six = new Masked(new Bits(0x2001L << 48, port), Bits.ones(128));
        Optional<Entity.PortSecurity> security =
                switch (kind) {
                    case 0 -> Optional.empty();
                    case 1 -> security(new Allowed(port, List.of(), List.of()));
                    case 2 -> security(new Allowed(port, List.of(one), List.of(six)));
                    case 3 -> security(new Allowed(port, List.of(prefix), List.of()));
                    default -> security(new Allowed(port, List.of(), List.of(six)));
                };
        engine.put(
                new Entity.LogicalPort(
                        key(1, port),
                        "p" + port,
                        new Target.Local(1 << 8 | port),
                        10 + port,
                        security));
        engine.ingress(
                1,
                0,
                20,
                new Match.All(
                        List.of(
                                Match.equal(Field.IN_PORT, key(1, port)),
                                Match.equal(Field.REG9, 0))),
                new Action.PortSecurityIn(Field.REG9.slice(3, 1)),
                new Action.Set(Field.REG9.slice(0, 1), Bits.of(1)),
                next(Stage.INGRESS, 0));
    }

    private static Optional<Entity.PortSecurity> security(Allowed allowed) {
        return Optional.of(new Entity.PortSecurity(List.of(allowed)));
    }

    private static Action next(Stage stage, int table) {
        return new Action.Next(stage, table);
    }

    private static Action out(long port) {
        return new Action.Set(Field.OUT_PORT.whole(), Bits.of(port));
    }

    private static Match ct(int bits, int mask) {
        return new Match.Masked(Field.CT_STATE, Bits.of(bits), Bits.of(mask));
    }

    /** Security groups in the small: new connections to some ports, answers, related errors. */
    private static void acl(
            EngineHarness engine, Stage stage, int table, int to, SplittableRandom random) {
        Action allow = new Action.Set(Field.REG1.whole(), Bits.of(1));
        engine.rule(1, stage, table, 90, ct(2 | 32, 2 | 32 | 16), next(stage, to));
        engine.rule(1, stage, table, 80, ct(4 | 32, 4 | 32), next(stage, to));
        for (int i = 0; i < 4; i++) {
            Match port = Match.equal(Field.L4_DST, 90 + random.nextInt(4));
            engine.rule(
                    1,
                    stage,
                    table,
                    50 + i,
                    new Match.All(List.of(ct(1, 1), port)),
                    allow,
                    next(stage, to));
        }
        Match icmp = Match.equal(Field.IP_PROTO, 1);
        engine.rule(
                1,
                stage,
                table,
                40,
                new Match.All(List.of(ct(1, 1), icmp)),
                allow,
                next(stage, to));
        engine.rule(1, stage, table, 0, ANY, new Action.Drop());
    }

    /** Table 3: rewrites, clones, checks, in random combination. */
    private static void random(EngineHarness engine, SplittableRandom random) {
        Field[] fields = {
            Field.L4_DST, Field.L4_SRC, Field.IP4_SRC, Field.ETH_SRC, Field.IP_TTL, Field.TCP_FLAGS
        };
        for (int i = 0; i < 8; i++) {
            Field field = fields[random.nextInt(fields.length)];
            boolean port = field == Field.L4_DST || field == Field.L4_SRC;
            Match narrow =
                    switch (random.nextInt(5)) {
                        case 0 -> new Match.In(Field.IP4_SRC, "sources");
                        case 1 ->
                                new Match.Masked(
                                        Field.IP4_DST,
                                        Bits.of(Frames.address(10, 0, 0, 2)),
                                        Bits.of(0xffff_fffeL));
                        case 2 ->
                                new Match.Not(
                                        new Match.Compare(
                                                Field.L4_SRC, Match.Relation.LESS, Bits.of(91)));
                        default ->
                                Match.equal(
                                        field, port ? 90 + random.nextInt(6) : random.nextInt(100));
                    };
            Match match =
                    random.nextInt(4) == 0
                            ? new Match.Any(List.of(SIX, narrow))
                            : new Match.All(List.of(IP, narrow));
            List<Action> actions = new ArrayList<>();
            switch (random.nextInt(10)) {
                case 0 -> actions.add(new Action.DecrementTtl());
                case 5 ->
                        actions.add(
                                new Action.Swap(
                                        Field.ETH_SRC.slice(16, 16), Field.IP4_DST.slice(0, 16)));
                case 6 -> actions.add(new Action.Set(Field.L4_DST.whole(), Bits.of(91)));
                case 7 ->
                        actions.add(
                                new Action.Copy(Field.IP_TTL.whole(), Field.IP4_SRC.slice(8, 8)));
                case 8 -> {
                    actions.add(new Action.Copy(Field.IP4_DST.whole(), Field.REG0.whole()));
                    actions.add(
                            new Action.Set(Field.REG4.whole(), Bits.of(key(1, 2) & 0xffff_ffffL)));
                    actions.add(new Action.NeighborGet(Field.REG4.whole(), Field.REG0.whole()));
                }
                case 1 ->
                        actions.add(new Action.Copy(Field.L4_SRC.whole(), Field.REG2.slice(0, 16)));
                case 2 ->
                        actions.add(
                                new Action.Clone(
                                        List.of(
                                                new Action.Set(Field.IP_DSCP.whole(), Bits.of(5)),
                                                out(key(1, 1 + random.nextInt(PORTS))),
                                                new Action.Output())));
                case 3 -> actions.add(new Action.Set(Field.ETH_SRC.slice(8, 8), Bits.of(0x77)));
                case 4 -> actions.add(new Action.CheckLarger(120, Field.REG3.slice(2, 1)));
                default ->
                        actions.add(
                                new Action.Craft(
                                        Action.Reply.REJECT,
                                        List.of(
                                                new Action.Set(Field.FLAGS.slice(0, 1), Bits.of(1)),
                                                new Action.Copy(
                                                        Field.IN_PORT.whole(),
                                                        Field.OUT_PORT.whole()),
                                                new Action.Output())));
            }
            actions.add(next(Stage.INGRESS, 4));
            engine.ingress(1, 3, 10 + i, match, actions.toArray(Action[]::new));
        }
        engine.ingress(1, 3, 200, Match.equal(Field.REG3, 4), new Action.Drop());
        engine.ingress(1, 3, 0, ANY, next(Stage.INGRESS, 4));
    }

    private static byte[] six(int last) {
        byte[] address = new byte[16];
        address[0] = 0x20;
        address[1] = 0x01;
        address[15] = (byte) last;
        return address;
    }

    private static byte[] frame(SplittableRandom random, int from) {
        int to = 1 + random.nextInt(BEYOND);
        boolean spoofed = random.nextInt(20) == 0;
        int source = Frames.address(10, 0, spoofed ? random.nextInt(3) : 0, from);
        int destination = Frames.address(10, 0, 0, to);
        long toMac = random.nextInt(30) == 0 ? 0xffff_ffff_ffffL : to;
        int one = 90 + random.nextInt(3);
        int two = random.nextInt(3) == 0 ? 90 + random.nextInt(3) : one;
        byte[] ip =
                switch (random.nextInt(12)) {
                    case 0 -> Frames.echo4(source, destination, 8, 1, random.nextInt(5));
                    case 1 -> Frames.echo4(source, destination, 0, 1, random.nextInt(5));
                    case 2, 3, 4, 5 ->
                            Frames.udp4(
                                    source,
                                    destination,
                                    one,
                                    two,
                                    new byte[random.nextInt(10) == 0 ? 150 : 20]);
                    default -> {
                        int[] flags = {2, 0x12, 0x10, 0x10, 0x10, 0x18, 0x11, 4};
                        yield Frames.tcp4(
                                source,
                                destination,
                                one,
                                two,
                                random.nextInt(20),
                                random.nextInt(20),
                                flags[random.nextInt(flags.length)],
                                random.nextInt(10));
                    }
                };
        if (random.nextInt(8) == 0) {
            byte[] udp = Frames.udp4(source, destination, one, two, new byte[8]);
            udp = Arrays.copyOfRange(udp, 20, udp.length); // Nobody checks its sum.
            return Frames.ethernet(toMac, from, 0x86dd, Frames.ip6(six(from), six(to), 17, udp));
        }
        return random.nextInt(40) == 0
                ? Frames.arpRequest(from, source, destination)
                : Frames.ethernet(toMac, sender(random, from), 0x0800, withTtl(random, ip));
    }

    /** Sometimes another one than the port's. */
    private static long sender(SplittableRandom random, int from) {
        return random.nextInt(10) == 0 ? from | (long) random.nextInt(3) << 16 : from;
    }

    private static byte[] withTtl(SplittableRandom random, byte[] ip) {
        if (random.nextInt(6) == 0) {
            ip[8] = (byte) random.nextInt(4);
            ip[10] = 0;
            ip[11] = 0;
            int checksum = Frames.checksum(ip, 0, 20, 0);
            ip[10] = (byte) (checksum >>> 8);
            ip[11] = (byte) checksum;
        }
        return ip;
    }
}
