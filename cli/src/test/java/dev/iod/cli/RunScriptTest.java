package dev.iod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.cli.Supervisor.Service;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The run script of a service that guests wait for, without a supervisor around it. */
@Timeout(120)
final class RunScriptTest {
    @TempDir Path directory;
    private Path starts;
    private Process run;

    @BeforeEach
    void start() throws IOException {
        starts = Files.createFile(directory.resolve("starts"));
        run = run("exec sleep 1000");
        await(() -> pids().size() == 1);
    }

    @AfterEach
    void stop() throws Exception {
        run.destroyForcibly();
        assertThat(run.waitFor(60, TimeUnit.SECONDS)).isTrue();
    }

    /** Its service writes its process id into a file and then does something. */
    private Process run(String then) throws IOException {
        String program = "echo $$ >>" + starts + "; " + then;
        Service service =
                new Service("test", "root", List.of("sh", "-c", program), "TERM", true, List.of());
        Path script = directory.resolve("run");
        Files.writeString(script, RunScript.of(service, service.command()));
        return new ProcessBuilder("sh", script.toString()).inheritIO().start();
    }

    private List<Long> pids() {
        try {
            return Files.readAllLines(starts).stream().map(Long::parseLong).toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean alive(long pid) {
        return Proc.isRunning(pid, "sleep"); // not one that only waits to be reaped
    }

    private static void await(BooleanSupplier condition) {
        assertThat(Waiting.within(60, condition)).isTrue();
    }

    private static void kill(long pid) {
        ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    }

    @Test
    void whatIsKilledIsBackAtOnceAndTheNextTimeItIsTheSupervisors() throws Exception {
        kill(pids().getFirst());
        await(() -> pids().size() == 2);
        assertThat(pids().getLast()).as("in place of the script").isEqualTo(run.pid());
        kill(run.pid());
        assertThat(run.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(pids()).hasSize(2);
    }

    @Test
    void aStartThatFailsIsTheSupervisors() throws Exception {
        Process failing = run("exit 3");
        assertThat(failing.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(failing.exitValue()).isEqualTo(3);
        assertThat(pids()).hasSize(2);
    }

    @Test
    void stoppingStopsTheServiceInOrder() throws Exception {
        run.destroy();
        assertThat(run.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(run.exitValue()).as("its own status").isEqualTo(128 + 15);
        assertThat(alive(pids().getFirst())).isFalse();
        assertThat(pids()).hasSize(1);
    }

    /** At whatever moment it comes: before there is a child, and before that runs its program. */
    @Test
    void aStopThatComesWithTheStartIsHeard() throws Exception {
        for (int i = 0; i < 40; i++) {
            Process early = run("exec sleep 1000");
            LockSupport.parkNanos(i * 200_000L);
            early.destroy();
            assertThat(early.waitFor(20, TimeUnit.SECONDS)).as("attempt %d", i).isTrue();
        }
        await(() -> pids().stream().skip(1).noneMatch(RunScriptTest::alive));
    }

    @Test
    void whatIsKilledBecauseItDoesNotStopIsNotStartedAgain() throws Exception {
        Process stubborn = run("trap '' TERM; exec sleep 1000");
        await(() -> pids().size() == 2);
        long child = pids().getLast();
        await(() -> alive(child));
        stubborn.destroy();
        assertThat(stubborn.waitFor(1, TimeUnit.SECONDS)).as("its service goes on").isFalse();
        kill(child);
        assertThat(stubborn.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(pids()).as("starts").hasSize(2);
    }

    @Test
    void aStrayEndedByForceIsNotStartedAgain() throws Exception {
        // A service process is known by its program's name and the run directory in its command.
        Path java = Files.createSymbolicLink(directory.resolve("java"), Path.of("/bin/sh"));
        Process stray = run("trap '' TERM; exec " + java + " -c 'while :; do sleep 1; done'");
        await(() -> pids().size() == 2);
        long child = pids().getLast();
        await(() -> Proc.isRunning(child, java.toString()));
        Proc.endStrays(directory, 1);
        assertThat(stray.waitFor(60, TimeUnit.SECONDS)).isTrue();
        await(() -> !Proc.isRunning(child, java.toString()));
        assertThat(pids()).as("starts").hasSize(2);
    }

    @Test
    void aKilledScriptLeavesNothingBehind() {
        run.destroyForcibly();
        await(() -> !alive(pids().getFirst()));
        assertThat(pids()).hasSize(1);
    }
}
