package dev.iod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The script {@code iod} on a copy of its files, with programs around it that stand for a JDK,
 * Maven and a machine where nothing is installed yet. apt is the real one, in a root directory of
 * its own.
 */
@Timeout(300)
final class LauncherTest {
    private static final Path HOME =
            Path.of(System.getProperty("basedir", "")).toAbsolutePath().resolve("..").normalize();
    private static final String ANSWER = "{\"from\": \"java\"}";

    @TempDir Path directory;
    private Path root;

    @BeforeEach
    void files() throws IOException {
        root = directory.resolve("root");
        for (String file :
                List.of("iod", "cli/packages", "bench/packages", "bench/packages-block")) {
            Path copy = directory.resolve(file);
            Files.createDirectories(copy.getParent());
            Files.copy(HOME.resolve(file), copy);
        }
        for (String module : List.of("eswitch", "control", "dpu")) {
            Files.createDirectories(directory.resolve(module).resolve("target"));
        }
        program("jdk/bin/javac", "echo javac 25.0.1");
        program(
                "jdk/bin/java",
                "case \"$*\" in *Training*) echo trained; echo trained >&2 ;; *) echo '"
                        + ANSWER
                        + "' ;; esac");
        program("bin/mvn", "echo '[INFO] a line of Maven'; echo '[WARNING] another' >&2");
        program("bin/dpkg-query", "exit 1");
        program("bin/id", "echo 0");
        program("bin/apt-get", "echo 'Reading package lists...'");
    }

    private void program(String name, String does) throws IOException {
        Path file = directory.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "#!/bin/sh\n" + does + "\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    private Process start(String command) throws IOException {
        String[] words = ("./iod " + command).split(" ");
        ProcessBuilder builder =
                new ProcessBuilder(words)
                        .directory(directory.toFile())
                        .redirectOutput(directory.resolve("stdout").toFile())
                        .redirectError(directory.resolve("stderr").toFile());
        builder.environment().remove("IOD_MAVEN");
        builder.environment().put("IOD_JAVA_HOME", directory.resolve("jdk").toString());
        builder.environment().put("PATH", directory.resolve("bin") + ":" + System.getenv("PATH"));
        builder.environment().put("APT_CONFIG", root.resolve("apt.conf").toString());
        return builder.start();
    }

    private String stdout() {
        return Layout.read(directory.resolve("stdout"));
    }

    private String stderr() {
        return Layout.read(directory.resolve("stderr"));
    }

    /** Every command that the help names and that answers {@code --json} to machines. */
    private Stream<String> commands() throws Exception {
        assertThat(start("help").waitFor(60, TimeUnit.SECONDS)).isTrue();
        List<String> benches =
                stdout().lines()
                        .map(String::strip)
                        .filter(line -> line.startsWith("bench "))
                        .map(line -> String.join(" ", List.of(line.split(" ")).subList(0, 2)))
                        .toList();
        assertThat(benches).contains("bench region", "bench eswitch", "bench block", "bench gap");
        return Stream.concat(
                Stream.of("status", "trace port icmp4", "flows", "drops", "connections"),
                benches.stream());
    }

    @Test
    void whatIsForMachinesIsAloneOnStandardOutput() throws Exception {
        for (String command : commands().toList()) {
            Files.deleteIfExists(directory.resolve("target/built"));
            Files.deleteIfExists(directory.resolve("eswitch/target/train.log"));
            Files.deleteIfExists(directory.resolve("control/target/train.log"));
            assertThat(start(command + " --json").waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(stdout()).as("%s: %s", command, stderr()).isEqualTo(ANSWER + "\n");
            assertThat(stderr())
                    .as(command)
                    .contains("iod: installing Debian packages:", "iod: building\n");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"var/lib/apt/lists/lock", "var/lib/dpkg/lock-frontend", "var/lib/dpkg/lock"})
    void anotherProcessWithTheLockIsWaitedFor(String name) throws Exception {
        realApt();
        Process up;
        try (RandomAccessFile file = new RandomAccessFile(root.resolve(name).toFile(), "rw");
                var lock = file.getChannel().lock()) {
            assertThat(lock.isValid()).isTrue();
            up = start("up");
            assertThat(Waiting.within(60, () -> stderr().contains("waiting for another process")))
                    .as(stderr())
                    .isTrue();
            assertThat(stderr()).contains(name);
            assertThat(up.waitFor(3, TimeUnit.SECONDS)).as("it goes on").isFalse();
        }
        assertThat(up.waitFor(60, TimeUnit.SECONDS)).isTrue();
        // No archive is configured, so the next thing that goes wrong is apt's own.
        assertThat(stderr()).contains("Unable to locate package", "installing packages failed");
        assertThat(stderr().split("waiting for another process", -1)).as("said once").hasSize(2);
    }

    /** An apt that knows of no archive. */
    private void realApt() throws IOException {
        for (String needed :
                List.of(
                        "etc/apt/apt.conf.d",
                        "etc/apt/preferences.d",
                        "var/lib/apt/lists/partial",
                        "var/cache/apt/archives/partial",
                        "var/lib/dpkg")) {
            Files.createDirectories(root.resolve(needed));
        }
        Files.createFile(root.resolve("etc/apt/sources.list"));
        Files.createFile(root.resolve("var/lib/dpkg/status"));
        Files.writeString(root.resolve("apt.conf"), "Dir \"" + root + "\";\n");
        Files.delete(directory.resolve("bin/apt-get"));
    }
}
