package dev.iod.dpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.NodeMessage.MessageCase;
import dev.iod.runtime.Keys;
import dev.iod.runtime.Pem;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The agent as a process on the module path, with a region over gRPC and a real southbound database
 * over TLS; virtDaemon and the packet engine are away, as after a crash.
 */
class AgentTest {
    private static final Path SCHEMA = Path.of("/usr/share/ovn/ovn-sb.ovsschema");
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir Path directory;
    private final FakeRegion region = new FakeRegion();
    private final List<Process> processes = new ArrayList<>();
    private int southboundPort;

    @BeforeEach
    void southbound() throws Exception {
        assertThat(SCHEMA).as("Debian's ovn-common is installed").exists();
        Files.createDirectories(directory.resolve("identity"));
        Pem.write(path("identity/ca.crt"), List.of(region.authority.certificate()));
        Files.writeString(path("token"), "once");
        KeyPair pair = Keys.generate();
        Pem.write(path("region.key"), pair.getPrivate());
        Pem.write(
                path("region.crt"),
                List.of(
                        region.authority.issueServer(
                                pair.getPublic(),
                                "region",
                                List.of("localhost"),
                                List.of(InetAddress.getByName("127.0.0.1")))));
        try (ServerSocket free = new ServerSocket(0)) {
            southboundPort = free.getLocalPort();
        }
        run("ovsdb-tool", "create", text("sb.db"), SCHEMA.toString());
        start(
                "ovsdb.log",
                "ovsdb-server",
                text("sb.db"),
                "--remote=pssl:" + southboundPort + ":127.0.0.1",
                "--remote=punix:" + text("sb.sock"),
                "--unixctl=" + text("sb.ctl"),
                "--private-key=" + text("region.key"),
                "--certificate=" + text("region.crt"),
                "--ca-cert=" + text("identity/ca.crt"));
        waitFor("the database listens", () -> Files.exists(path("sb.sock")));
        // What northd does first; before it an agent does not trust the database.
        run(
                "ovsdb-client",
                "transact",
                "unix:" + text("sb.sock"),
                """
                ["OVN_Southbound", {"op": "insert", "table": "SB_Global", "row":
                    {"options": ["map", [["northd_internal_version", "test"]]]}}]
                """);
    }

    @AfterEach
    void stop() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly();
            process.waitFor();
        }
        region.close();
    }

    private Path path(String name) {
        return directory.resolve(name);
    }

    private String text(String name) {
        return path(name).toString();
    }

    private Process start(String log, String... command) throws IOException {
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(path(log).toFile()))
                        .start();
        processes.add(process);
        return process;
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private Process agent() throws IOException {
        Files.writeString(
                path("dpu.properties"),
                """
                node=n1
                region=127.0.0.1:%d
                token=token
                identity=identity
                southbound=ssl:127.0.0.1:%d
                engine=eswitch.sock
                block=block.sock
                host=host.sock
                directory=.
                encapsulation=172.31.0.1
                instance=iodt%d-n1
                vcpus=2
                memory-mib=1024
                """
                        .formatted(
                                region.address().getPort(),
                                southboundPort,
                                ProcessHandle.current().pid() % 10_000));
        return start(
                "dpu.log",
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-Xmx192m",
                "--enable-native-access=dev.iod.sys",
                "-p",
                modulePath(),
                "-m",
                "dev.iod.dpu/dev.iod.dpu.Main",
                text("dpu.properties"));
    }

    /** Surefire leaves jars that no module names on the class path; a process has them all here. */
    private static String modulePath() {
        List<String> entries = new ArrayList<>();
        entries.add(System.getProperty("jdk.module.path"));
        for (String entry : System.getProperty("java.class.path").split(":", -1)) {
            if (entry.endsWith(".jar") && !entry.contains("surefire")) {
                entries.add(entry);
            }
        }
        return String.join(":", entries);
    }

    private static void waitFor(String what, BooleanSupplier condition)
            throws InterruptedException {
        Instant deadline = Instant.now().plus(LIMIT);
        while (true) {
            // Asked after the clock: on a stalled machine both may have happened meanwhile.
            boolean late = Instant.now().isAfter(deadline);
            if (condition.getAsBoolean()) {
                return;
            }
            assertThat(late).as("%s within %s", what, LIMIT).isFalse();
            Thread.sleep(100);
        }
    }

    private long logged(String words) {
        try {
            return Files.readAllLines(path("dpu.log")).stream()
                    .filter(line -> line.contains(words))
                    .count();
        } catch (IOException e) {
            return 0;
        }
    }

    private String chassis() {
        try {
            return run(
                    "ovsdb-client",
                    "dump",
                    "--no-headings",
                    "unix:" + text("sb.sock"),
                    "OVN_Southbound",
                    "Chassis",
                    "name");
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    @Test
    void joinsRegistersSurvivesAKillAndStopsWhenTold() throws Exception {
        region.want(Goals.of(Goals.server("s1")));
        Process first = agent();
        assertThat(region.next(MessageCase.HELLO).getHello().getNode()).isEqualTo("n1");
        waitFor("the goal is kept", () -> Files.exists(path("dpu/goal")));
        waitFor("the chassis is registered", () -> chassis().contains("n1"));
        first.destroyForcibly().waitFor();

        // The region is away: what was wanted goes on being wanted.
        region.close();
        Process second = agent();
        waitFor("it is ready again", () -> logged("ready node=n1") == 2);
        waitFor("it looks for virtDaemon", () -> logged("virtDaemon does not listen") > 0);
        assertThat(logged("joined")).isEqualTo(1);
        second.destroy();
        assertThat(second.waitFor(15, TimeUnit.SECONDS)).isTrue();
        assertThat(logged("Runtime stopped")).isZero();
        assertThat(logged("stopped")).isPositive();
        assertThat(chassis()).as("a restarted agent takes it over").contains("n1");
    }
}
