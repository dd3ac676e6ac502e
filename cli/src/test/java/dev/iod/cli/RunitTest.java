package dev.iod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.cli.Supervisor.Service;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The run script of a service that has to be back at once, without runsv around it. */
@Timeout(120)
final class RunitTest {
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
        Service service = new Service("test", "root", List.of("sh", "-c", program), "TERM", true);
        Path script = directory.resolve("run");
        Files.writeString(script, Runit.runs(service, Runit.quoted(service.command())));
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

    @Test
    void aKilledScriptLeavesNothingBehind() {
        run.destroyForcibly();
        await(() -> !alive(pids().getFirst()));
        assertThat(pids()).hasSize(1);
    }
}
