package dev.iod.volume;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.api.Test;

/**
 * The region's process is killed while volumes are made, enlarged and deleted and their node does
 * any part of its work. What was answered is kept, and in the end each volume is available or gone.
 */
class KillTest {
    private static final int ROUNDS = 3;
    private static final int WRITERS = 4;
    private static final int MAX_SECONDS = 60;

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
        try (Region beside = new Region(url, 0)) {
            FakePool node = beside.node("n1", 100_000);
            beside.volume("p0:admin")
                    .put("/os-quota-sets/q", "{'quota_set': {'volumes': -1, 'gigabytes': -1}}");
            for (int round = 0; round < ROUNDS; round++) {
                Process region = start(url, port);
                try {
                    write(region, port, node, random);
                } finally {
                    region.destroyForcibly().waitFor();
                }
                check(beside.database, node);
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
                                "dev.iod.volume.Region",
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

    private static HttpCaller caller(int port, String token) {
        return new HttpCaller("http://127.0.0.1:" + port + "/volume/v3", token);
    }

    /** The node takes one of its steps for each volume that is accepted, then comes the kill. */
    private void write(Process region, int port, FakePool node, SplittableRandom random)
            throws InterruptedException {
        List<Thread> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            SplittableRandom own = random.split();
            writers.add(Thread.ofVirtual().start(() -> writer(port, own)));
        }
        for (int wanted = random.nextInt(4, 14); wanted > 0; wanted--) {
            assertThat(progress.tryAcquire(MAX_SECONDS, TimeUnit.SECONDS)).isTrue();
            switch (random.nextInt(4)) {
                case 0 -> node.receive();
                case 1 -> node.act();
                case 2 -> node.report();
                default -> node.sync();
            }
        }
        region.destroyForcibly().waitFor();
        for (Thread writer : writers) {
            writer.join();
        }
    }

    private void writer(int port, SplittableRandom random) {
        HttpCaller caller = caller(port, "q");
        try {
            while (true) {
                String some = accepted.stream().skip(random.nextInt(4)).findFirst().orElse("");
                switch (some.isEmpty() ? 2 : random.nextInt(4)) {
                    case 0 -> {
                        deletionTried.add(some);
                        if (caller.delete("/volumes/" + some).status() == 202) {
                            deletionAccepted.add(some);
                        }
                    }
                    case 1 ->
                            caller.post(
                                    "/volumes/" + some + "/action",
                                    "{'os-extend': {'new_size': %d}}"
                                            .formatted(random.nextInt(2, 9)));
                    default -> {
                        Answer answer = caller.post("/volumes", "{'volume': {'size': 1}}");
                        if (answer.status() == 202) {
                            accepted.add(answer.json().at("/volume/id").stringValue());
                            progress.release();
                        }
                    }
                }
            }
        } catch (UncheckedIOException e) {
            // The region is gone, which is what this is about.
        }
    }

    private void check(Database database, FakePool node) {
        Set<String> rows = ids(database, "SELECT id::text FROM volume");
        for (String id : accepted) {
            assertThat(rows.contains(id) || deletionTried.contains(id)).as(id).isTrue();
        }
        assertAllocationsAreOfVolumes(database);
        node.sync();
        assertAllocationsAreOfVolumes(database);
        assertThat(ids(database, "SELECT id::text FROM volume WHERE status <> 'available'"))
                .isEmpty();
        Set<String> left = ids(database, "SELECT id::text FROM volume");
        assertThat(left).isEqualTo(node.volumes.keySet());
        assertThat(left).noneMatch(deletionAccepted::contains);
        assertThat(ids(database, "SELECT id::text || ' ' || (size_gib << 30) FROM volume"))
                .isEqualTo(
                        node.volumes.entrySet().stream()
                                .map(e -> e.getKey() + " " + e.getValue())
                                .collect(java.util.stream.Collectors.toSet()));
        accepted.retainAll(left);
        progress.drainPermits();
    }

    private static void assertAllocationsAreOfVolumes(Database database) {
        assertThat(
                        ids(
                                database,
                                "SELECT coalesce(v.id, a.consumer_id)::text FROM volume v FULL JOIN"
                                        + " allocation a ON a.consumer_id = v.id"
                                        + " WHERE (a.used = v.target_gib * 1024) IS NOT TRUE"))
                .isEmpty();
    }

    private static Set<String> ids(Database database, String sql) {
        return database.read(handle -> handle.createQuery(sql).mapTo(String.class).set());
    }
}
