package dev.iod.ovn;

import dev.iod.ovn.Flow.Arp;
import dev.iod.ovn.Flow.Header;
import dev.iod.ovn.Flow.Link;
import dev.iod.ovn.Flow.Transport;
import dev.iod.ovn.RandomTopology.Host;
import dev.iod.ovn.RandomTopology.Network;
import dev.iod.ovn.RandomTopology.Security;
import java.util.List;
import java.util.Random;

/** Packets of chance for one topology: most of them go somewhere, some are odd or forged. */
final class RandomPackets {
    private static final String BROADCAST = "ff:ff:ff:ff:ff:ff";
    private static final String NOBODY = "02:00:00:00:00:55";

    /** More than the least gateway_mtu of {@link RandomTopology}. */
    private static final int LARGE = 1500;

    private final RandomTopology topology;
    private final Random random;
    private final List<Host> senders;

    RandomPackets(RandomTopology topology, long seed) {
        this.topology = topology;
        this.random = new Random(seed);
        this.senders = topology.local().toList();
    }

    boolean any() {
        return !senders.isEmpty();
    }

    private <T> T one(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }

    Flow next() {
        Host own = one(senders);
        int kind = random.nextInt(100);
        if (kind < 16) {
            return arp(own);
        }
        if (kind < 29 && own.network().six()) {
            return neighbor(own);
        }
        if (kind < 32) {
            return dhcp(own);
        }
        if (kind < 37) {
            return multicast(own);
        }
        if (kind < 42 && topology.routed) {
            return large(own);
        }
        if (kind < 53 && topology.routed) {
            return toRouter(own);
        }
        return unicast(own);
    }

    private boolean routable() {
        return topology.routed;
    }

    private Host peer(Host own) {
        Host other = one(topology.hosts);
        return routable() || other.network().equals(own.network())
                ? other
                : topology.hosts.stream()
                        .filter(host -> host.network().equals(own.network()))
                        .toList()
                        .get(random.nextInt(2));
    }

    private Flow unicast(Host own) {
        Host other = peer(own);
        boolean six = own.network().six() && other.network().six() && random.nextInt(5) < 2;
        boolean near = other.network().equals(own.network());
        String target = near ? other.mac() : own.network().routerMac();
        if (random.nextInt(25) == 0) {
            target = NOBODY;
        }
        String destination = six ? other.ip6() : other.ip4();
        if (!near && random.nextInt(3) == 0) {
            // Behind a route, or an address nobody has.
            destination = six ? other.network().prefix6() + "77" : one(elsewhere(other));
        }
        int ttl = one(List.of(64, 64, 64, 64, 64, 64, 3, 2, 1, 255));
        return Flow.ip(
                new Link(own.name(), sourceMac(own), target),
                new Header(source(own, six), destination, ttl),
                transport(six ? 6 : 4));
    }

    private static List<String> elsewhere(Host other) {
        // See source() for why just this address of the prefix.
        String prefix = other.network().prefix4();
        return List.of(
                prefix + "99", prefix + "98", prefix + "98", other.behind() + "0", "8.8.8.8");
    }

    private String sourceMac(Host own) {
        return random.nextInt(20) == 0 ? one(List.of(own.otherMac(), NOBODY)) : own.mac();
    }

    private String source(Host own, boolean six) {
        int kind = random.nextInt(14);
        if (six) {
            return kind == 0 ? own.network().prefix6() + "66" : kind == 1 ? link(own) : own.ip6();
        }
        return switch (kind) {
            case 0 -> own.network().prefix4() + "66";
            case 1 -> own.otherIp4();
            // ovn-trace 23.03 takes a prefix for the one address it is written with.
            case 2 -> own.behind() + "0";
            default -> own.ip4();
        };
    }

    /** ovn-trace 23.03 lets a port without IPv6 addresses use its link-local one. */
    private static String link(Host own) {
        return own.security() == Security.MAC || own.security() == Security.OFF
                ? own.linkLocal()
                : own.ip6();
    }

    private Transport transport(int version) {
        int client = 32768 + random.nextInt(1000);
        int server = one(RandomGroups.PORTS);
        boolean reply = random.nextInt(4) == 0;
        int from = reply ? server : client;
        int to = reply ? client : server;
        return switch (random.nextInt(12)) {
            case 0, 1 ->
                    version == 4
                            ? Transport.icmp(4, one(List.of(8, 8, 0, 13)), 0)
                            : Transport.icmp(6, one(List.of(128, 128, 129)), 0);
            case 2, 3, 4 -> Transport.udp(from, to);
            case 5 -> Transport.other(47);
            case 6 -> Transport.sctp(from, to);
            default ->
                    Transport.tcp(from, to, one(List.of(2, 2, 18, 16, 17, 4)), random.nextInt(2));
        };
    }

    private Flow arp(Host own) {
        Network network = own.network();
        Host near = near(own);
        boolean request = random.nextInt(4) > 0;
        String target =
                request
                        ? one(List.of(BROADCAST, BROADCAST, BROADCAST, network.routerMac()))
                        : one(List.of(near.mac(), network.routerMac()));
        String asked =
                one(
                        List.of(
                                near.ip4(),
                                near.ip4(),
                                network.prefix4() + "1",
                                network.prefix4() + "1",
                                network.prefix4() + "1",
                                network.prefix4() + "99",
                                own.ip4()));
        String mac = sourceMac(own);
        String sender = random.nextInt(10) == 0 ? network.prefix4() + "66" : own.ip4();
        String said = random.nextInt(15) == 0 ? NOBODY : mac;
        return Flow.arp(
                new Link(own.name(), mac, target),
                new Arp(
                        request ? 1 : 2,
                        said,
                        sender,
                        request ? "00:00:00:00:00:00" : target,
                        asked));
    }

    private Host near(Host own) {
        return one(
                topology.hosts.stream()
                        .filter(host -> host.network().equals(own.network()))
                        .toList());
    }

    private Flow neighbor(Host own) {
        Host near = near(own);
        String mac = own.mac();
        if (random.nextInt(3) == 0) {
            boolean router = random.nextBoolean();
            return Flow.ip(
                    new Link(own.name(), mac, router ? own.network().routerMac() : near.mac()),
                    new Header(own.ip6(), router ? own.network().prefix6() + "1" : near.ip6(), 255),
                    Transport.advertisement(own.ip6(), mac));
        }
        // Not the router's address: ovn-trace 23.03 ends in an assertion on nd_na_router.
        String asked = one(List.of(near.ip6(), own.network().prefix6() + "77"));
        String last = asked.substring(asked.lastIndexOf(':') + 1);
        boolean group = random.nextBoolean();
        return Flow.ip(
                new Link(own.name(), mac, group ? "33:33:ff:00:00:" + last : near.mac()),
                new Header(own.ip6(), group ? "ff02::1:ff00:" + last : asked, 255),
                Transport.solicitation(asked, mac));
    }

    private Flow dhcp(Host own) {
        return Flow.ip(
                new Link(own.name(), own.mac(), BROADCAST),
                new Header("0.0.0.0", "255.255.255.255", 64),
                Transport.dhcp(random.nextBoolean() ? 1 : 3, own.mac(), own.ip4()));
    }

    private Flow multicast(Host own) {
        return switch (random.nextInt(own.network().six() ? 4 : 3)) {
            case 0 -> group(own, BROADCAST, own.network().prefix4() + "255");
            case 1 -> group(own, "01:00:5e:00:00:05", "224.0.0.5");
            case 2 -> group(own, "01:00:5e:01:02:03", "239.1.2.3");
            default -> group(own, "33:33:00:00:00:01", "ff02::1");
        };
    }

    private Flow group(Host own, String mac, String address) {
        boolean six = address.contains(":");
        return Flow.ip(
                new Link(own.name(), own.mac(), mac),
                new Header(source(own, six), address, one(List.of(1, 64))),
                transport(six ? 6 : 4));
    }

    /**
     * Longer than a gateway takes. ovn-trace does not compare lengths; it is told the answer as the
     * register's first value, which only a packet that starts at the router keeps.
     */
    private Flow large(Host own) {
        Host other = peer(own);
        boolean six = own.network().six() && other.network().six() && random.nextBoolean();
        Flow flow =
                Flow.ip(
                        new Link(own.network().routerPort(), own.mac(), own.network().routerMac()),
                        new Header(
                                six ? own.ip6() : own.ip4(), six ? other.ip6() : other.ip4(), 64),
                        Transport.udp(40000, 5000, new byte[LARGE]));
        return flow.and("reg9[1] == 1");
    }

    /** What a router answers itself. */
    private Flow toRouter(Host own) {
        Network network = own.network();
        Network asked = random.nextInt(3) == 0 ? one(topology.networks) : network;
        boolean six = network.six() && asked.six() && random.nextInt(3) == 0;
        return Flow.ip(
                new Link(own.name(), own.mac(), network.routerMac()),
                new Header(
                        six ? own.ip6() : own.ip4(),
                        six ? asked.prefix6() + "1" : asked.prefix4() + "1",
                        one(List.of(64, 64, 64, 255, 1))),
                transport(six ? 6 : 4));
    }
}
