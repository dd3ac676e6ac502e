package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.network.ServerPorts;
import dev.iod.node.Goal;
import dev.iod.region.Services;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import dev.iod.store.Database;
import dev.iod.store.testing.PostgresFixture;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The region's process is killed while servers are made and deleted; nothing answered is lost. */
class KillTest {
    private static final int ROUNDS = 3;
    private static final int WRITERS = 4;
    private static final int MAX_SECONDS = 60;

    /** Two that are made with their server and go with it. */
    private static final String VOLUMES =
            "'block_device_mapping_v2': [{'uuid': '%s', 'source_type': 'image', 'destination_type': 'volume', 'volume_size': 3, 'boot_index': 0, 'delete_on_termination': true},"
                    + " {'source_type': 'blank', 'destination_type': 'volume', 'volume_size': 1, 'boot_index': -1, 'delete_on_termination': true}]";

    private final Set<String> accepted = ConcurrentHashMap.newKeySet();
    private final Set<String> deletionTried = ConcurrentHashMap.newKeySet();
    private final Set<String> deletionAccepted = ConcurrentHashMap.newKeySet();

    private final Semaphore progress = new Semaphore(0);

    @Test
    void whatWasAnsweredSurvivesAKill() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("KillTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        String url = PostgresFixture.newDatabase();
        int port = freePort();
        try (Database database = Database.open(url, 4)) {
            ServerPorts ports = ServerPorts.sql();
            Services.prepare(database, Region.services(database, ports, new Region.FixedConsole()));
            FakeNode node =
                    new FakeNode(
                            database,
                            new ComputeGoals(ports),
                            new ComputeObservations(
                                    new Region.FixedImages(),
                                    ports,
                                    new ServerPlacement(
                                            new Region.FixedImages(),
                                            ports,
                                            new Region.FixedConsole())),
                            "n1",
                            1000,
                            1_000_000);
            String network = "";
            for (int round = 0; round < ROUNDS; round++) {
                Process region = start(url, port);
                try {
                    network = network.isEmpty() ? prepare(port) : network;
                    write(region, port, network, random.nextInt(3, 12), random.split());
                } finally {
                    region.destroyForcibly().waitFor();
                }
                check(database, node);
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static Process start(String url, int port) throws IOException {
        String path =
                String.join(
                        File.pathSeparator,
                        "target/test-classes",
                        "target/classes",
                        System.getProperty("jdk.module.path", ""),
                        System.getProperty("java.class.path", ""));
        Process process =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElse("java"),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                path,
                                "dev.iod.compute.Region",
                                url,
                                Integer.toString(port))
                        .redirectErrorStream(true)
                        .start();
        BufferedReader output = process.inputReader();
        StringBuilder log = new StringBuilder();
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            log.append(line).append('\n');
            if (line.startsWith("ready ")) {
                Thread.ofVirtual().start(() -> output.lines().forEach(ignored -> {}));
                return process;
            }
        }
        throw new IllegalStateException("the region did not start: " + log);
    }

    private static HttpCaller caller(int port, String path, String token) {
        return new HttpCaller("http://127.0.0.1:" + port + path, token);
    }

    private static String prepare(int port) {
        caller(port, "/compute/v2.1", "p0:admin")
                .put(
                        "/os-quota-sets/q",
                        "{'quota_set': {'instances': -1, 'cores': -1, 'ram': -1}}");
        caller(port, "/volume/v3", "p0:admin")
                .put("/os-quota-sets/q", "{'quota_set': {'volumes': -1, 'gigabytes': -1}}");
        HttpCaller network = caller(port, "/network/v2.0", "q");
        String id =
                network.post("/networks", "{'network': {'name': 'net'}}")
                        .json()
                        .path("network")
                        .path("id")
                        .stringValue();
        network.post(
                "/subnets",
                "{'subnet': {'network_id': '%s', 'cidr': '10.7.0.0/16', 'ip_version': 4}}"
                        .formatted(id));
        return id;
    }

    /** Makes and deletes until enough is accepted; then the region is killed under the writers. */
    private void write(
            Process region, int port, String network, int wanted, SplittableRandom random)
            throws InterruptedException {
        List<Thread> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            SplittableRandom own = random.split();
            writers.add(Thread.ofVirtual().start(() -> writer(port, network, own)));
        }
        assertThat(progress.tryAcquire(wanted, MAX_SECONDS, TimeUnit.SECONDS))
                .as("%d servers within %d s", wanted, MAX_SECONDS)
                .isTrue();
        region.destroyForcibly().waitFor();
        for (Thread writer : writers) {
            writer.join();
        }
    }

    private void writer(int port, String network, SplittableRandom random) {
        HttpCaller compute = caller(port, "/compute/v2.1", "q");
        String body =
                "{'server': {'name': 'a', %s, 'flavorRef': '42', 'networks': [{'uuid': '%s'}]}}";
        String image = body.formatted("'imageRef': '%s'".formatted(Region.IMAGE), network);
        String volumes = body.formatted(VOLUMES.formatted(Region.BOOT_IMAGE), network);
        try {
            while (true) {
                if (random.nextInt(3) == 0 && !accepted.isEmpty()) {
                    String victim = accepted.iterator().next();
                    deletionTried.add(victim);
                    if (compute.delete("/servers/" + victim).status() == 204) {
                        deletionAccepted.add(victim);
                    }
                } else if (random.nextInt(3) == 0 && !accepted.isEmpty()) {
                    change(compute, network, anyAccepted(random), random);
                } else {
                    Answer answer =
                            compute.post("/servers", random.nextBoolean() ? image : volumes);
                    if (answer.status() == 202) {
                        accepted.add(answer.json().path("server").path("id").stringValue());
                        progress.release();
                    }
                }
            }
        } catch (UncheckedIOException e) {
            // The region is gone, which is what this is about.
        }
    }

    /** Servers of rounds before have been active. */
    private String anyAccepted(SplittableRandom random) {
        List<String> all = List.copyOf(accepted);
        return all.get(random.nextInt(all.size()));
    }

    /** Whatever comes of it: it is done whole or not at all. */
    private static void change(
            HttpCaller compute, String network, String server, SplittableRandom random) {
        String path = "/servers/" + server;
        switch (random.nextInt(10)) {
            case 7 ->
                    compute.post(
                            path + "/action",
                            "{'resize': {'flavorRef': '%s'}}"
                                    .formatted(random.nextBoolean() ? "84" : "42"));
            case 8 -> compute.post(path + "/action", "{'confirmResize': null}");
            case 9 -> compute.post(path + "/action", "{'revertResize': null}");
            case 5 -> compute.post(path + "/action", "{'rescue': null}");
            case 6 -> compute.post(path + "/action", "{'unrescue': null}");
            case 4 ->
                    compute.post(
                            path + "/action",
                            "{'rebuild': {'imageRef': '%s'}}"
                                    .formatted(
                                            random.nextBoolean()
                                                    ? Region.IMAGE
                                                    : Region.DISK_IMAGE));
            case 0 -> compute.post(path + "/action", "{'pause': null}");
            case 1 -> compute.post(path + "/action", "{'unpause': null}");
            case 2 ->
                    compute.post(
                            path + "/os-interface",
                            "{'interfaceAttachment': {'net_id': '%s'}}".formatted(network));
            default -> compute.post(path + "/action", "{'reboot': {'type': 'HARD'}}");
        }
    }

    private void check(Database database, FakeNode node) {
        Set<String> rows = ids(database, "SELECT id::text FROM server");
        for (String id : accepted) {
            assertThat(rows.contains(id) || deletionTried.contains(id))
                    .as("server %s", id)
                    .isTrue();
        }
        assertThat(ids(database, "SELECT device_id FROM port WHERE device_owner LIKE 'compute:%'"))
                .isEqualTo(rows);
        assertThat(
                        ids(
                                database,
                                "SELECT coalesce(s.id, a.consumer_id)::text FROM server s FULL JOIN"
                                        + " allocation a ON a.consumer_id = s.id"
                                        + " WHERE (a.consumer_id IN (SELECT id FROM volume))"
                                        + " IS NOT TRUE AND (a.resource_class = 'MEMORY_MB' AND a.used ="
                                        + " greatest(s.memory_mib, CAST(s.resize->'flavor'->>"
                                        + "'memory_mib' AS bigint))) IS NOT TRUE AND"
                                        + " (a.resource_class ="
                                        + " 'VCPU' AND a.used = s.vcpus) IS NOT TRUE"
                                        + " AND (s.id IS NOT NULL AND a.resource_class = 'DISK_MB')"
                                        + " IS NOT TRUE"))
                .isEmpty();
        assertThat(
                        ids(
                                database,
                                "SELECT s.id::text FROM server s WHERE"
                                        + " (coalesce(root_size_bytes, 0) + 1048575) / 1048576"
                                        + " * CASE WHEN resize IS NULL THEN 1 ELSE 2 END +"
                                        + " (coalesce(CAST(rescue->>'disk_bytes' AS bigint), 0)"
                                        + " + 1048575) / 1048576 <>"
                                        + " (SELECT coalesce(sum(used), 0) FROM allocation a WHERE"
                                        + " a.consumer_id = s.id AND resource_class = 'DISK_MB')"))
                .isEmpty();
        Goal goal = node.goal();
        Set<String> wanted =
                goal.getServersList().stream()
                        .map(dev.iod.node.Server::getId)
                        .collect(Collectors.toSet());
        assertThat(wanted)
                .isEqualTo(
                        ids(
                                database,
                                "SELECT id::text FROM server WHERE task_state <> 'deleting'"));
        node.sync();
        Set<String> left = ids(database, "SELECT id::text FROM server");
        assertThat(left).isEqualTo(wanted);
        assertThat(left).noneMatch(deletionAccepted::contains);
        assertThat(
                        ids(
                                database,
                                "SELECT id::text FROM server WHERE task_state <> 'none' OR vm_state"
                                        + " <> CASE WHEN resize IS NOT NULL THEN 'resized'"
                                        + " WHEN wish = 'paused' THEN 'paused'"
                                        + " WHEN wish = 'rescue' THEN 'rescued' ELSE 'active'"
                                        + " END"))
                .isEmpty();
        assertThat(
                        ids(
                                database,
                                "SELECT p.id::text FROM port p JOIN server s ON s.id = p.server_id"
                                        + " WHERE p.host <> s.node"))
                .isEmpty();
        assertThat(
                        ids(
                                database,
                                "SELECT number::text FROM instance_action WHERE finished_at IS NULL"))
                .isEmpty();
        checkVolumes(database, node);
        accepted.removeAll(deletionTried);
    }

    private static Set<String> ids(Database database, String sql) {
        return database.read(handle -> handle.createQuery(sql).mapTo(String.class).set());
    }

    /** Each is a server's that is there, and has its room; nothing else has any. */
    private static void checkVolumes(Database database, FakeNode node) {
        // Made, then attached; what is deleted is gone with a report of the goal without it.
        node.sync();
        node.sync();
        assertThat(
                        ids(
                                database,
                                "SELECT v.id::text FROM volume v LEFT JOIN volume_attachment a"
                                        + " ON a.volume_id = v.id WHERE v.status <> 'in-use' OR"
                                        + " v.node IS NULL OR a.server_id IS NULL OR a.server_id"
                                        + " NOT IN (SELECT id FROM server)"))
                .isEmpty();
        assertThat(
                        ids(
                                database,
                                "SELECT server_id::text FROM volume_attachment GROUP BY server_id"
                                        + " HAVING count(*) <> 2"))
                .isEmpty();
        assertThat(
                        ids(
                                database,
                                "SELECT consumer_id::text FROM allocation"
                                        + " WHERE resource_class = 'DISK_MB'"
                                        + " AND consumer_id NOT IN (SELECT id FROM server)"))
                .isEqualTo(ids(database, "SELECT id::text FROM volume"));
    }
}
