package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.sys.Linux;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SandboxTest {
    private static final Duration LONG = Duration.ofMinutes(5);
    private static final int MIB = 1 << 20;
    private static final Sandbox.Limits LIMITS = limits(LONG, LONG, 8 * MIB);

    @TempDir Path directory;
    private Path in;
    private Path out;

    @BeforeEach
    void files() throws IOException {
        in = Files.writeString(directory.resolve("in"), "what is read");
        out = directory.resolve("out");
    }

    @Test
    void itReadsAndWritesAndSaysWhatItWas() throws Exception {
        assertThat(run(LIMITS, "sh", "-c", "cat /in >/out; echo done; echo oh >&2; exit 3"))
                .isEqualTo(new Sandbox.End.Exited(3, "done\noh\n"));
        assertThat(out).hasContent("what is read");
        assertThat(Files.getOwner(out)).isEqualTo(Files.getOwner(in));
    }

    @Test
    void thereIsNothingElse() throws Exception {
        Path secret = Files.writeString(directory.resolve("secret"), "x");
        String script =
                """
                for file in /x /usr/x /tmp/x /in /dev/x /etc/x %s; do
                    if true >$file; then echo "wrote $file"; fi
                done 2>/dev/null
                [ -e %s ] && echo "sees $file"
                mount -t tmpfs none /usr 2>/dev/null && echo mounted
                kill -0 %d 2>/dev/null && echo "sees its parent"
                id -u; id -G; echo /*; echo "$HOME$USER"
                """
                        .formatted(secret, secret, ProcessHandle.current().pid());
        assertThat(run(LIMITS, "sh", "-c", script))
                .isEqualTo(
                        new Sandbox.End.Exited(
                                0, "2000000001\n65534\n/dev /in /lib /lib64 /out /usr\n\n"));
    }

    @Test
    void thereIsNoNetwork() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String connect =
                    "use IO::Socket::INET; print IO::Socket::INET->new('127.0.0.1:%d') ? 'in' : 'out'"
                            .formatted(server.getLocalPort());
            assertThat(run(LIMITS, "perl", "-e", connect))
                    .isEqualTo(new Sandbox.End.Exited(0, "out"));
            assertThat(new ProcessBuilder("perl", "-e", connect).start().inputReader().readLine())
                    .isEqualTo("in");
        }
    }

    @Test
    void memoryAndTheFileHaveBounds() throws Exception {
        assertThat(run(LIMITS, "perl", "-e", "$x = 'a' x (300 << 20); print length $x"))
                .isInstanceOfSatisfying(
                        Sandbox.End.Exited.class,
                        end -> assertThat(end.output()).contains("Out of memory"));
        Files.delete(out);
        run(LIMITS, "dd", "if=/in", "of=/out", "bs=1M", "seek=16");
        assertThat(Files.size(out)).isLessThanOrEqualTo(16 * MIB);
        Files.delete(out);
        run(LIMITS, "dd", "if=/in", "of=/out", "bs=1M", "seek=15");
        assertThat(Files.size(out)).isEqualTo(15 * MIB + Files.size(in));
        // A hole costs nothing, data do.
        Files.delete(out);
        assertThat(run(LIMITS, "sh", "-c", "yes | head -c 9000000 >/out; sleep 4322"))
                .isEqualTo(new Sandbox.End.OverLimit("8388608 bytes that are not zeros"));
        Files.delete(out);
        assertThat(run(LIMITS, "sh", "-c", "yes | head -c 9000000 >/out"))
                .isEqualTo(new Sandbox.End.OverLimit("8388608 bytes that are not zeros"));
    }

    /** So many that the machine has enough left; and they are ended with it. */
    @Test
    void processesHaveABound() throws Exception {
        String bomb =
                "$SIG{CHLD} = 'IGNORE'; $n = 0;"
                        + " while ($n < 1000 && defined(my $p = fork)) { $p or sleep 4327, exit; $n++ }"
                        + " print $n";
        assertThat(run(LIMITS, "perl", "-e", bomb))
                .isInstanceOfSatisfying(
                        Sandbox.End.Exited.class,
                        end ->
                                assertThat(Integer.parseInt(end.output()))
                                        .isBetween(66, Sandbox.PROCESSES));
        Sandboxed.await("sleep 4327", false);
    }

    @Test
    void itGoesBehindOthers() throws Exception {
        assertThat(run(LIMITS, "nice")).isEqualTo(new Sandbox.End.Exited(0, "10\n"));
    }

    @Test
    void timeHasBounds() throws Exception {
        assertThat(
                        run(
                                limits(Duration.ofSeconds(1), LONG, MIB),
                                "sh",
                                "-c",
                                "while true; do :; done"))
                .isEqualTo(new Sandbox.End.OverLimit("1 s of CPU"));
        Files.delete(out);
        assertThat(run(limits(LONG, Duration.ofSeconds(1), MIB), "sleep", "4323"))
                .isEqualTo(new Sandbox.End.OverLimit("1 s of time"));
        Sandboxed.await("sleep 4323", false);
    }

    @Test
    void whatFillsThePipeIsEndedAtItsTime() throws Exception {
        assertThat(run(limits(LONG, Duration.ofSeconds(1), MIB), "yes"))
                .isEqualTo(new Sandbox.End.OverLimit("1 s of time"));
    }

    @Test
    void anInterruptEndsIt() throws Exception {
        FutureTask<Sandbox.End> task = new FutureTask<>(() -> run(LIMITS, "sleep", "4324"));
        Thread thread = Thread.ofPlatform().start(task);
        Sandboxed.await("sleep 4324", true);
        thread.interrupt();
        assertThatThrownBy(task::get).hasCauseInstanceOf(InterruptedException.class);
        Sandboxed.await("sleep 4324", false);
    }

    @Test
    void aKillIsTold() throws Exception {
        FutureTask<Sandbox.End> task = new FutureTask<>(() -> run(LIMITS, "sleep", "4325"));
        Thread.ofPlatform().start(task);
        Sandboxed.await("sleep 4325", true).destroyForcibly();
        assertThat(task.get()).isEqualTo(new Sandbox.End.Killed());
    }

    @Test
    void itDiesWithTheProcessThatWasKilled() throws Exception {
        String path =
                Stream.of(Sandbox.class, SandboxTest.class, Linux.class)
                        .map(type -> type.getProtectionDomain().getCodeSource().getLocation())
                        .map(location -> Path.of(location.getPath()))
                        .flatMap(one -> Stream.of(one, one.resolveSibling("test-classes")))
                        .map(Path::toString)
                        .collect(Collectors.joining(":"));
        Process parent =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                path,
                                Parent.class.getName(),
                                in.toString(),
                                out.toString())
                        .inheritIO()
                        .start();
        Sandboxed.await("sleep 4326", true);
        parent.destroyForcibly().waitFor();
        Sandboxed.await("sleep 4326", false);
    }

    /** A process of its own that waits for a sandbox. */
    static final class Parent {
        private Parent() {}

        static void main(String[] arguments) throws Exception {
            new Sandbox(QemuConverter.NOBODYS_UID)
                    .run(
                            List.of("sleep", "4326"),
                            Path.of(arguments[0]),
                            Path.of(arguments[1]),
                            LIMITS);
        }
    }

    @Test
    void whatCannotStartIsAnError() {
        assertThatThrownBy(() -> new Sandbox("no-such-user").run(List.of("true"), in, out, LIMITS))
                .isInstanceOf(IOException.class);
    }

    private Sandbox.End run(Sandbox.Limits limits, String... program) throws Exception {
        return new Sandbox(QemuConverter.NOBODYS_UID).run(List.of(program), in, out, limits);
    }

    private static Sandbox.Limits limits(Duration cpu, Duration wall, long stored) {
        return new Sandbox.Limits(256L << 20, cpu, wall, 16 * MIB, stored);
    }
}
