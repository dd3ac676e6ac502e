package dev.iod.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import tools.jackson.databind.JsonNode;

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
    private final String name;
    private final Path directory;
    private final Api api;
    private final Progress progress = new Progress();

    /** What {@link #cleanUp} deletes, newest first. */
    private final List<String> made = new ArrayList<>();

    Demo(Layout layout, RegionConfig config, boolean keep) {
        this.layout = layout;
        this.config = config;
        this.keep = keep;
        byte[] random = new byte[2];
        ThreadLocalRandom.current().nextBytes(random);
        this.name = "demo-" + HexFormat.of().formatHex(random);
        this.directory = Layout.directory(layout.run().resolve("demo"));
        this.api = Api.signIn(config.api(), "demo", config.demoPassword(), Bootstrap.PROJECT);
    }

    private record Guest(String name, String id, long createdNanos) {}

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
        Outcome result;
        try (OpenStack client = new OpenStack(layout, Credentials.CLOUD)) {
            try (Capture capture = new Capture(layout, config.nodeNames().getFirst(), directory)) {
                result = play(client, capture);
            } finally {
                if (!keep) {
                    cleanUp(client);
                }
            }
        }
        return result;
    }

    private Outcome play(OpenStack client, Capture capture) {
        long start = System.nanoTime();
        network(client);
        String addressA = port(client, "a");
        String addressB = port(client, "b");
        progress.done("network, router, subnets, ports", start);

        Path dataA = script("a", Scripts.serving());
        Path dataB = script("b", Scripts.fetching(addressA));
        Guest a = server(client, "a", dataA);
        Guest b = server(client, "b", dataB);
        List<Double> active = List.of(untilActive(a), untilActive(b));
        List<Double> address = List.of(untilAddress(a, addressA), untilAddress(b, addressB));
        String hostA = host(a);
        String hostB = host(b);
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
                () -> has(b, "demo: done") && has(a, "demo: in "));
        progress.done("ping and 10 MiB each way", exchange);
        compare("from a to b", value(a, "demo: out "), value(b, "demo: in "));
        compare("from b to a", value(b, "demo: out "), value(a, "demo: in "));
        progress.say("ping across the router: " + value(b, "demo: ping "));
        progress.say(
                "underlay: "
                        + capture.summary(
                                Underlay.address(index(hostA)),
                                Underlay.address(index(hostB)),
                                config.nodes() > 1));
        return new Outcome("a on " + hostA + ", b on " + hostB, active, address);
    }

    private void network(OpenStack client) {
        make(client, "network create " + name, "network delete " + name);
        for (String side : List.of("a", "b")) {
            int third = side.equals("a") ? 1 : 2;
            make(
                    client,
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
        make(client, "router create " + name, "router delete " + name);
        for (String side : List.of("a", "b")) {
            make(
                    client,
                    "router add subnet " + name + " " + name + "-" + side,
                    "router remove subnet " + name + " " + name + "-" + side);
        }
        make(client, "security group create " + name, "security group delete " + name);
        client.run("security group rule create --protocol icmp " + name);
        client.run("security group rule create --protocol tcp --dst-port 5000:5001 " + name);
        make(
                client,
                "server group create --policy anti-affinity " + name,
                "server group delete " + name);
        make(
                client,
                "keypair create --private-key " + directory.resolve(name + ".key") + " " + name,
                "keypair delete " + name);
    }

    private String port(OpenStack client, String side) {
        String port = name + "-" + side;
        make(
                client,
                "port create --network "
                        + name
                        + " --fixed-ip subnet="
                        + port
                        + " --security-group "
                        + name
                        + " "
                        + port,
                "port delete " + port);
        return client.json("port show " + port)
                .at("/fixed_ips")
                .get(0)
                .at("/ip_address")
                .stringValue();
    }

    private Guest server(OpenStack client, String side, Path userData) {
        String server = name + "-" + side;
        String group = client.json("server group show " + name).at("/id").stringValue();
        long created = System.nanoTime();
        make(
                client,
                "server create --image "
                        + Bootstrap.IMAGE
                        + " --flavor m1.micro --port "
                        + server
                        + " --key-name "
                        + name
                        + " --user-data "
                        + userData
                        + " --hint group="
                        + group
                        + " "
                        + server,
                "server delete --wait " + server);
        return new Guest(
                server, client.json("server show " + server).at("/id").stringValue(), created);
    }

    private void make(OpenStack client, String create, String delete) {
        made.addFirst(delete);
        client.run(create);
    }

    private void cleanUp(OpenStack client) {
        long start = System.nanoTime();
        for (String delete : made) {
            client.run(delete);
        }
        progress.done("demo's resources deleted", start);
    }

    private Path script(String side, String text) {
        Path file = directory.resolve(name + "-" + side + ".sh");
        Layout.write(file, text, true, false);
        return file;
    }

    private double untilActive(Guest guest) {
        Waiting.until(
                guest.name() + " is ACTIVE",
                ACTIVE_SECONDS,
                () -> {
                    JsonNode server = show(guest);
                    if (server.at("/status").asString().equals("ERROR")) {
                        throw new CliException(
                                guest.name()
                                        + " is in ERROR: "
                                        + server.at("/fault/message").asString(""));
                    }
                    return server.at("/status").asString().equals("ACTIVE");
                });
        return (System.nanoTime() - guest.createdNanos()) / 1e9;
    }

    private double untilAddress(Guest guest, String address) {
        Waiting.until(
                guest.name() + " got " + address + " by DHCP",
                ACTIVE_SECONDS,
                () -> has(guest, "iod-micro: address " + address));
        return (System.nanoTime() - guest.createdNanos()) / 1e9;
    }

    private JsonNode show(Guest guest) {
        return api.get("/compute/v2.1/servers/" + guest.id()).at("/server");
    }

    /** The node a server runs on; only the administrator sees it. */
    private String host(Guest guest) {
        Api admin = Api.signIn(config.api(), "admin", config.adminPassword(), "admin");
        return admin.get("/compute/v2.1/servers/" + guest.id())
                .at("/server/OS-EXT-SRV-ATTR:host")
                .asString("");
    }

    private static int index(String node) {
        return Integer.parseInt(node.substring(1));
    }

    private String console(Guest guest) {
        return api.post(
                        "/compute/v2.1/servers/" + guest.id() + "/action",
                        Map.of("os-getConsoleOutput", Map.of()))
                .at("/output")
                .asString("");
    }

    private boolean has(Guest guest, String text) {
        return console(guest).contains(text);
    }

    /** The rest of the console line that starts with a word. */
    private String value(Guest guest, String word) {
        String console = console(guest);
        int at = console.indexOf(word);
        if (at < 0) {
            throw new CliException(
                    guest.name() + " said nothing of '" + word.strip() + "' on its console");
        }
        return console.substring(at + word.length()).lines().findFirst().orElse("").strip();
    }

    private void compare(String direction, String sent, String received) {
        if (sent.length() != 64 || !sent.equals(received)) {
            throw new CliException(
                    "10 MiB "
                            + direction
                            + " differ: sent sha256 "
                            + sent
                            + ", received "
                            + received);
        }
        progress.say("10 MiB " + direction + ": sha256 " + sent.substring(0, 16) + "… equal");
    }
}
