package dev.iod.store.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One real PostgreSQL server per test process, on a UNIX socket only, started at first use and
 * stopped when the process ends. Each {@link #newDatabase()} is empty and private to its caller.
 */
public final class PostgresFixture {
    private static final Path BINARIES = Path.of("/usr/lib/postgresql/15/bin");
    private static final int START_SECONDS = 60;
    private static final AtomicInteger COUNTER = new AtomicInteger();
    private static Optional<PostgresFixture> shared = Optional.empty();

    private final Path directory;
    private final Process server;

    private PostgresFixture(Path directory, Process server) {
        this.directory = directory;
        this.server = server;
    }

    /** The JDBC URL of a new empty database. */
    public static String newDatabase() {
        PostgresFixture fixture = shared();
        String name = "t" + COUNTER.incrementAndGet();
        run(fixture.directory, "createdb", "-h", fixture.directory.toString(), "-U", "iod", name);
        return fixture.url(name);
    }

    /** The server's socket. */
    public static Path socket() {
        return shared().directory.resolve(".s.PGSQL.5432");
    }

    private String url(String database) {
        return "jdbc:postgresql://localhost/%s?user=iod&socketFactory=dev.iod.store.UnixSocketFactory&socketFactoryArg=%s"
                .formatted(database, directory.resolve(".s.PGSQL.5432"));
    }

    private static synchronized PostgresFixture shared() {
        if (shared.isEmpty()) {
            PostgresFixture started = start();
            Runtime.getRuntime().addShutdownHook(new Thread(started::stop, "postgres-stop"));
            shared = Optional.of(started);
        }
        return shared.get();
    }

    private static PostgresFixture start() {
        if (!Files.isExecutable(BINARIES.resolve("postgres"))) {
            throw new IllegalStateException(
                    "PostgreSQL 15 is missing; install the Debian package postgresql-15.");
        }
        try {
            Path directory = Files.createTempDirectory("iod-pg-");
            if (isRoot()) {
                // initdb refuses root; the package postgresql-common made this user.
                check(new ProcessBuilder("chown", "postgres", directory.toString()), directory);
            }
            run(
                    directory,
                    "initdb",
                    "--no-sync",
                    "-A",
                    "trust",
                    "-U",
                    "iod",
                    "-D",
                    directory.resolve("data").toString());
            List<String> command = command("postgres");
            command.addAll(List.of("-D", directory.resolve("data").toString(), "-k"));
            command.addAll(List.of(directory.toString(), "-c", "listen_addresses="));
            // Only for tests: nothing here outlives the process.
            command.addAll(List.of("-c", "fsync=off", "-c", "shared_buffers=16MB"));
            command.addAll(List.of("-c", "max_connections=100"));
            Process server =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(directory.resolve("log").toFile())
                            .start();
            PostgresFixture fixture = new PostgresFixture(directory, server);
            run(directory, "pg_isready", "-q", "-t", "1", "-h", directory.toString());
            return fixture;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void stop() {
        try {
            // SIGINT would be the fast shutdown; the immediate one is enough for throw-away data.
            server.toHandle().destroy();
            if (!server.waitFor(3, TimeUnit.SECONDS)) {
                server.destroyForcibly().waitFor();
            }
            delete(directory);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Runs one of PostgreSQL's programs; repeats for a while, since the server may be starting. */
    private static void run(Path directory, String program, String... arguments) {
        List<String> command = command(program);
        command.addAll(List.of(arguments));
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        boolean once = program.equals("initdb");
        while (true) {
            try {
                check(new ProcessBuilder(command), directory);
                return;
            } catch (IllegalStateException e) {
                if (once || System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
    }

    private static List<String> command(String program) {
        List<String> command = new ArrayList<>();
        if (isRoot()) {
            command.addAll(List.of("setpriv", "--reuid=postgres", "--regid=postgres"));
            command.addAll(List.of("--clear-groups"));
        }
        command.add(BINARIES.resolve(program).toString());
        return command;
    }

    private static void check(ProcessBuilder builder, Path directory) {
        try {
            Process process =
                    builder.directory(directory.toFile()).redirectErrorStream(true).start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IllegalStateException(builder.command() + ": " + output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static boolean isRoot() {
        return System.getProperty("user.name").equals("root");
    }

    private static void delete(Path directory) {
        try {
            Files.walkFileTree(
                    directory,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                                throws IOException {
                            Files.deleteIfExists(file);
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult postVisitDirectory(
                                Path visited, @org.jspecify.annotations.Nullable IOException error)
                                throws IOException {
                            Files.deleteIfExists(visited);
                            return FileVisitResult.CONTINUE;
                        }
                    });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
