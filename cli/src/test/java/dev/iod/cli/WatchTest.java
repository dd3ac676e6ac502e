package dev.iod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A service that ends while somebody waits for it. */
final class WatchTest {
    private static final String TAKEN =
            "2026-01-01T00:00:00.000Z ERROR dev.iod.control.Main the region cannot start: the API"
                    + " cannot listen on localhost/127.0.0.1:8774: Address already in use"
                    + " error=\"dev.iod.rest.X: the API cannot\" cause=\"java.net.BindException\"\n";

    @TempDir Path directory;
    private Path log;
    private final List<String> said = new ArrayList<>();
    private final AtomicInteger polls = new AtomicInteger();

    @BeforeEach
    void log() throws IOException {
        log = Files.writeString(directory.resolve("current"), "x ERROR y of another day\n");
    }

    /** Its process lasts two polls, then writes and is another one. */
    private Watch watch(String writes, int ends) {
        return new Watch(
                List.of("control"),
                name -> {
                    int poll = polls.getAndIncrement();
                    if (poll > 0 && poll % 2 == 0 && poll / 2 <= ends) {
                        write(writes);
                    }
                    return OptionalLong.of(100 + Math.min(poll / 2, ends));
                },
                name -> log,
                said::add);
    }

    private void write(String text) {
        try {
            Files.writeString(log, text, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whatEndsAgainAndAgainIsNotWaitedFor() {
        Watch watch = watch(TAKEN, Integer.MAX_VALUE);
        assertThatThrownBy(() -> watch.until("the API answers", 3600, () -> false))
                .isInstanceOf(CliException.class)
                .hasMessage(
                        "gave up: the API answers; control ended: the region cannot start: the API"
                                + " cannot listen on localhost/127.0.0.1:8774: Address already in"
                                + " use (3 times); look at ./iod logs control, and run ./iod up"
                                + " again to go on");
        assertThat(said)
                .containsExactly(
                        "control ended: the region cannot start: the API cannot listen on"
                                + " localhost/127.0.0.1:8774: Address already in use; it is"
                                + " started again");
    }

    @Test
    void whatHelpedItselfIsOnlySaid() {
        Watch watch = watch(TAKEN, 1);
        watch.until("the API answers", 3600, () -> polls.get() > 6);
        assertThat(said).hasSize(1);
    }

    @Test
    void theReasonIsToldWhenTimeIsUpToo() {
        Watch watch = watch("no memory\n", 1);
        assertThatThrownBy(() -> watch.until("it answers", 2, () -> false))
                .hasMessageStartingWith("gave up after 2 s: it answers")
                .hasMessageEndingWith("; control ended: no memory");
    }

    /** As up is when it asks for the nodes and control is away. */
    private static boolean asksInVain() {
        Api.signIn("http://127.0.0.1:1", "admin", "x", "admin");
        return true;
    }

    @Test
    void aConditionWaitsForAnApiThatIsStartedAgain() {
        Watch watch = watch(TAKEN, 1);
        watch.until("all nodes are up", 3600, () -> polls.get() > 6 || asksInVain());
        assertThat(said).hasSize(1);
        assertThat(said.getFirst()).startsWith("control ended: the region cannot start");
    }

    @Test
    void whyTheApiDoesNotAnswerIsTold() {
        assertThatThrownBy(() -> watch(TAKEN, 1).during(() -> asksInVain()))
                .isInstanceOf(CliException.class)
                .hasMessage(
                        "the region at http://127.0.0.1:1 does not answer: connection refused;"
                                + " control ended: the region cannot start: the API cannot listen"
                                + " on localhost/127.0.0.1:8774: Address already in use; look at"
                                + " ./iod logs control, and run ./iod up again to go on");
        assertThatThrownBy(() -> watch(TAKEN, 0).during(() -> asksInVain()))
                .isInstanceOf(Api.NoAnswer.class)
                .hasMessageEndingWith("does not answer: connection refused");
    }

    /** Also one that ended before anybody looked. */
    @Test
    void aProcessThatNobodyStartsAgainIsNotWaitedFor() throws Exception {
        Process process =
                new ProcessBuilder("sh", "-c", "echo 'Error: no such class' >&2; exit 1")
                        .redirectError(log.toFile())
                        .start();
        process.waitFor();
        Map<String, Process> processes = Map.of("control", process);
        Watch watch = new Watch(processes, name -> log);
        assertThatThrownBy(() -> watch.until("the API answers", 3600, () -> false))
                .hasMessage("gave up: the API answers; control ended: no such class");
        assertThatThrownBy(() -> new Watch(processes, name -> log).during(() -> asksInVain()))
                .hasMessageEndingWith("connection refused; control ended: no such class");
    }

    @Test
    void everyProgramsLastErrorIsFound() {
        assertThat(Watch.reason("")).isEmpty();
        assertThat(Watch.reason("one\ntwo\n\n")).contains("two");
        assertThat(Watch.reason("2026-01-01 UTC [7] FATAL:  no space\n2026 LOG:  is shut down\n"))
                .contains("no space");
        assertThat(Watch.reason("2026|00004|ovsdb|EMER|cannot open x\n")).contains("cannot open x");
        assertThat(Watch.reason("Error: Could not find x\nError: A fatal exception\n"))
                .contains("A fatal exception");
    }
}
