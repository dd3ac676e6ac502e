package dev.iod.ovn;

import dev.iod.ovn.RandomTopology.Host;
import dev.iod.ovn.RandomTopology.Network;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Security groups of chance: rules of all verdicts, both directions, remote groups and sets. */
final class RandomGroups {
    /** Ports that rules name; packets use them too. */
    static final List<Integer> PORTS = List.of(22, 53, 80, 443, 5000, 8080);

    private final RandomTopology topology;
    private final Random random;

    /** No two rules of a topology have one priority, which would leave the verdict to chance. */
    private final List<Integer> priorities =
            IntStream.range(1000, 1200).boxed().collect(Collectors.toCollection(ArrayList::new));

    RandomGroups(RandomTopology topology) {
        this.topology = topology;
        this.random = topology.random;
        Collections.shuffle(priorities, random);
    }

    void commands(List<List<String>> all) {
        // One family for each set: OVN refuses a match on a set of both.
        String set = "t" + topology.number + "_as";
        String four = topology.one(topology.hosts).ip4();
        String six = topology.one(topology.hosts).ip6();
        all.add(set(set + 4, "\"%s\",\"10.%d.1.8/29\"".formatted(four, topology.number)));
        all.add(set(set + 6, "\"%s\",\"fd%02x:2::/64\"".formatted(six, topology.number)));
        int groups = random.nextInt(4);
        for (int g = 1; g <= groups; g++) {
            group("t" + topology.number + "_g" + g, set, all);
        }
        // Rules of a whole switch, without a group.
        Network network = topology.one(topology.networks);
        if (random.nextInt(3) == 0) {
            for (String direction : List.of("from-lport", "to-lport")) {
                acl(network.name(), direction, transport(random.nextInt(2) == 0 ? 4 : 6), all);
            }
        }
    }

    private static List<String> set(String name, String addresses) {
        return List.of("create", "Address_Set", "name=" + name, "addresses=" + addresses);
    }

    private void group(String name, String set, List<List<String>> all) {
        var add = new ArrayList<>(List.of("pg-add", name));
        for (Host host : topology.hosts) {
            if (random.nextInt(3) > 0) {
                add.add(host.name());
            }
        }
        all.add(add);
        for (String direction : List.of("from-lport", "to-lport")) {
            String port = direction.equals("to-lport") ? "outport == @" : "inport == @";
            String remote = direction.equals("to-lport") ? "src" : "dst";
            if (random.nextInt(4) > 0) {
                all.add(acl(name, direction, "500", port + name + " && ip", "drop"));
            }
            // What makes most groups let something through.
            acl(name, direction, port + name + " && " + topology.one(List.of("ip", "ip4")), all);
            int rules = 2 + random.nextInt(4);
            for (int i = 0; i < rules; i++) {
                int version = random.nextInt(3) == 0 ? 6 : 4;
                String match = port + name + " && " + transport(version);
                acl(name, direction, match + remote(version, remote, name, set), all);
            }
        }
    }

    private String transport(int version) {
        int port = topology.one(PORTS);
        return "ip"
                + version
                + topology.one(
                        List.of(
                                "",
                                "",
                                " && tcp",
                                " && tcp.dst == " + port,
                                " && tcp && tcp.dst != {22, 443}",
                                " && udp",
                                " && udp.dst >= 53 && udp.dst <= 5000",
                                " && tcp.src > 1023 && tcp.dst == " + port,
                                " && icmp" + version,
                                " && icmp" + version + ".type == " + (version == 4 ? 8 : 128),
                                " && sctp",
                                " && ip.proto == 47",
                                " && tcp.flags == 2",
                                " && ip.ttl == 64",
                                // Not OVN's language: no flow, here as there.
                                " && ip.ttl != 3"));
    }

    private String remote(int version, String side, String group, String set) {
        String field = " && ip" + version + "." + side;
        Network network = topology.one(topology.networks);
        return switch (random.nextInt(6)) {
            case 0 -> field + " == $" + group + "_ip" + version;
            case 1 -> field + " == $" + set + version;
            case 2 ->
                    version == 4
                            ? field + " == " + network.prefix4() + "0/24"
                            : field + " == " + network.prefix6() + "/64";
            case 3 ->
                    version == 4
                            ? field + " == {" + topology.one(topology.hosts).ip4() + ", 10.0.0.0/9}"
                            : field + " != " + topology.one(topology.hosts).ip6();
            default -> "";
        };
    }

    private void acl(String of, String direction, String match, List<List<String>> all) {
        String verdict =
                topology.one(
                        List.of(
                                "allow-related",
                                "allow-related",
                                "allow-related",
                                "allow-related",
                                "allow-related",
                                "allow",
                                "allow-stateless",
                                "drop",
                                "reject"));
        String priority = String.valueOf(priorities.removeLast());
        all.add(acl(of, direction, priority, match, verdict));
    }

    private List<String> acl(
            String of, String direction, String priority, String match, String verdict) {
        var add = new ArrayList<String>();
        if (direction.equals("from-lport") && random.nextInt(5) == 0) {
            add.add("--apply-after-lb");
        }
        if (verdict.equals("allow-related") && random.nextInt(5) == 0) {
            add.add("--label=" + (1 + random.nextInt(1000)));
        }
        add.addAll(List.of("acl-add", of, direction, priority, match, verdict));
        return add;
    }
}
