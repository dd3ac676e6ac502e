package dev.iod.cli;

import dev.iod.cli.Stage.Guest;
import java.nio.file.Path;
import java.util.List;

/**
 * Two servers on two nodes find each other: the real client makes a network with two subnets behind
 * a router, a security group and two servers; the servers' own user-data scripts ping and copy 10
 * MiB each way and report on their consoles; tshark watches the underlay.
 */
final class Demo {
    private static final int ACTIVE_SECONDS = 180;
    private static final int EXCHANGE_SECONDS = 300;
    private static final int TRANSFER_BYTES = 10 << 20;

    private final Layout layout;
    private final RegionConfig config;
    private final boolean keep;

    Demo(Layout layout, RegionConfig config, boolean keep) {
        this.layout = layout;
        this.config = config;
        this.keep = keep;
    }

    /**
     * What was measured.
     *
     * @param activeSeconds from the client's "server create" to ACTIVE, one for each server
     * @param addressSeconds from there to the console line with the address
     */
    record Outcome(String hosts, List<Double> activeSeconds, List<Double> addressSeconds) {
        @Override
        public String toString() {
            return String.format(
                    "demo: ok; %s; create to ACTIVE %.1f s and %.1f s, create to address %.1f s and %.1f s",
                    hosts,
                    activeSeconds.get(0),
                    activeSeconds.get(1),
                    addressSeconds.get(0),
                    addressSeconds.get(1));
        }
    }

    /** Plays the demo and deletes what it made. @throws CliException when anything went wrong */
    Outcome run() {
        try (Stage stage = new Stage(layout, config, keep);
                Capture capture =
                        new Capture(layout, config.nodeNames().getFirst(), stage.directory)) {
            return play(stage, capture);
        }
    }

    private Outcome play(Stage stage, Capture capture) {
        long start = System.nanoTime();
        network(stage);
        String addressA = port(stage, "a");
        String addressB = port(stage, "b");
        stage.progress.done("network, router, subnets, ports", start);

        Path dataA = stage.script("a", Scripts.serving());
        Path dataB = stage.script("b", Scripts.fetching(addressA));
        Guest a = server(stage, "a", dataA);
        Guest b = server(stage, "b", dataB);
        List<Double> active =
                List.of(stage.untilActive(a, ACTIVE_SECONDS), stage.untilActive(b, ACTIVE_SECONDS));
        List<Double> address =
                List.of(untilAddress(stage, a, addressA), untilAddress(stage, b, addressB));
        String hostA = host(stage, a);
        String hostB = host(stage, b);
        if (hostA.equals(hostB) && config.nodes() > 1) {
            throw new CliException(
                    "both servers are on node " + hostA + " although their group is anti-affine");
        }

        long exchange = System.nanoTime();
        Waiting.until(
                "the servers exchange "
                        + (TRANSFER_BYTES >> 20)
                        + " MiB each way (console: openstack console"
                        + " log show "
                        + b.name()
                        + ")",
                EXCHANGE_SECONDS,
                () -> stage.has(b, "demo: done") && stage.has(a, "demo: in "));
        stage.progress.done("ping and 10 MiB each way", exchange);
        compare(stage, "from a to b", stage.value(a, "demo: out "), stage.value(b, "demo: in "));
        compare(stage, "from b to a", stage.value(b, "demo: out "), stage.value(a, "demo: in "));
        stage.progress.say("ping across the router: " + stage.value(b, "demo: ping "));
        stage.progress.say(
                "underlay: "
                        + capture.summary(
                                Underlay.address(index(hostA)),
                                Underlay.address(index(hostB)),
                                config.nodes() > 1));
        return new Outcome("a on " + hostA + ", b on " + hostB, active, address);
    }

    private static void network(Stage stage) {
        String name = stage.name;
        stage.make("network create " + name, "network delete " + name);
        for (String side : List.of("a", "b")) {
            int third = side.equals("a") ? 1 : 2;
            stage.make(
                    "subnet create "
                            + name
                            + "-"
                            + side
                            + " --network "
                            + name
                            + " --subnet-range 10.77."
                            + third
                            + ".0/24",
                    "subnet delete " + name + "-" + side);
        }
        stage.make("router create " + name, "router delete " + name);
        for (String side : List.of("a", "b")) {
            stage.make(
                    "router add subnet " + name + " " + name + "-" + side,
                    "router remove subnet " + name + " " + name + "-" + side);
        }
        stage.make("security group create " + name, "security group delete " + name);
        stage.client.run("security group rule create --protocol icmp " + name);
        stage.client.run("security group rule create --protocol tcp --dst-port 5000:5001 " + name);
        stage.make(
                "server group create --policy anti-affinity " + name,
                "server group delete " + name);
        stage.make(
                "keypair create --private-key "
                        + stage.directory.resolve(name + ".key")
                        + " "
                        + name,
                "keypair delete " + name);
    }

    private static String port(Stage stage, String side) {
        String name = stage.name;
        String port = name + "-" + side;
        stage.make(
                "port create --network "
                        + name
                        + " --fixed-ip subnet="
                        + port
                        + " --security-group "
                        + name
                        + " "
                        + port,
                "port delete " + port);
        return stage.client
                .json("port show " + port)
                .at("/fixed_ips")
                .get(0)
                .at("/ip_address")
                .stringValue();
    }

    private static Guest server(Stage stage, String side, Path userData) {
        String name = stage.name;
        String server = name + "-" + side;
        String group = stage.client.json("server group show " + name).at("/id").stringValue();
        return stage.server(
                server,
                "--image "
                        + Bootstrap.IMAGE
                        + " --flavor m1.micro --port "
                        + server
                        + " --key-name "
                        + name
                        + " --user-data "
                        + userData
                        + " --hint group="
                        + group);
    }

    private static double untilAddress(Stage stage, Guest guest, String address) {
        return stage.until(
                guest,
                "got " + address + " by DHCP",
                "iod-micro: address " + address,
                ACTIVE_SECONDS);
    }

    /** The node a server runs on; only the administrator sees it. */
    private static String host(Stage stage, Guest guest) {
        return stage.admin()
                .get("/compute/v2.1/servers/" + guest.id())
                .at("/server/OS-EXT-SRV-ATTR:host")
                .asString("");
    }

    private static int index(String node) {
        return Integer.parseInt(node.substring(1));
    }

    private static void compare(Stage stage, String direction, String sent, String received) {
        if (sent.length() != 64 || !sent.equals(received)) {
            throw new CliException(
                    "10 MiB "
                            + direction
                            + " differ: sent sha256 "
                            + sent
                            + ", received "
                            + received);
        }
        stage.progress.say("10 MiB " + direction + ": sha256 " + sent.substring(0, 16) + "… equal");
    }
}
