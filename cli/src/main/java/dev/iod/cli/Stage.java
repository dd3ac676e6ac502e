package dev.iod.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import tools.jackson.databind.JsonNode;

/**
 * What a demo makes through the real client, and how it looks at it. At its end all of it goes
 * again, the newest first, unless it is to be kept.
 */
final class Stage implements AutoCloseable {
    /** Of everything that is made, so that demos do not meet. */
    final String name;

    /** For files of the demo. */
    final Path directory;

    final Progress progress = new Progress();
    final OpenStack client;
    private final RegionConfig config;
    private final Api api;
    private final boolean keep;

    /** The commands that delete what was made, newest first. */
    private final List<String> deletions = new ArrayList<>();

    Stage(Layout layout, RegionConfig config, boolean keep) {
        byte[] random = new byte[2];
        ThreadLocalRandom.current().nextBytes(random);
        this.name = "demo-" + HexFormat.of().formatHex(random);
        this.directory = Layout.directory(layout.run().resolve("demo"));
        this.config = config;
        this.keep = keep;
        this.api = Api.signIn(config.api(), "demo", config.demoPassword(), Bootstrap.PROJECT);
        this.client = new OpenStack(layout, Credentials.CLOUD);
    }

    /** A server that was made. */
    record Guest(String name, String id, long createdNanos) {}

    void make(String create, String delete) {
        deletions.addFirst(delete);
        client.run(create);
    }

    /** What came with the newest thing that was made, and stays when that is deleted. */
    void stays(String delete) {
        deletions.add(1, delete);
    }

    /** Deletes something before its time. */
    void delete(String delete) {
        client.run(delete);
        deletions.remove(delete);
    }

    /** Makes a server; options as the client's. */
    Guest server(String server, String options) {
        long created = System.nanoTime();
        make("server create " + options + " " + server, deletion(server));
        return new Guest(
                server, client.json("server show " + server).at("/id").stringValue(), created);
    }

    /** The command that deletes a server. */
    static String deletion(String server) {
        return "server delete --wait " + server;
    }

    /** A file of user data. */
    Path script(String suffix, String text) {
        Path file = directory.resolve(name + "-" + suffix + ".sh");
        Layout.write(file, text, true, false);
        return file;
    }

    /** Waits until a server is ACTIVE; seconds since it was asked for. */
    double untilActive(Guest guest, int seconds) {
        Waiting.until(
                guest.name() + " is ACTIVE",
                seconds,
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
        return since(guest.createdNanos());
    }

    /** Waits until a console says something; seconds since the server was asked for. */
    double until(Guest guest, String what, String words, int seconds) {
        Waiting.until(
                guest.name()
                        + " "
                        + what
                        + " (console: ./iod openstack console log show "
                        + guest.name()
                        + ")",
                seconds,
                () -> has(guest, words));
        return since(guest.createdNanos());
    }

    static double since(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }

    JsonNode show(Guest guest) {
        return api.get("/compute/v2.1/servers/" + guest.id()).at("/server");
    }

    /** What the region's owner may ask. */
    Api admin() {
        return Api.signIn(config.api(), "admin", config.adminPassword(), "admin");
    }

    private String console(Guest guest) {
        return api.post(
                        "/compute/v2.1/servers/" + guest.id() + "/action",
                        Map.of("os-getConsoleOutput", Map.of()))
                .at("/output")
                .asString("");
    }

    boolean has(Guest guest, String text) {
        return console(guest).contains(text);
    }

    /** The rest of the console line that has a word. */
    String value(Guest guest, String word) {
        String console = console(guest);
        int at = console.indexOf(word);
        if (at < 0) {
            throw new CliException(
                    guest.name() + " said nothing of '" + word.strip() + "' on its console");
        }
        return console.substring(at + word.length()).lines().findFirst().orElse("").strip();
    }

    /** What is left over is said, and does not keep the rest. */
    private void tryToDelete(String delete) {
        try {
            client.run(delete);
        } catch (CliException e) {
            progress.say(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public void close() {
        try (client) {
            if (!keep) {
                long start = System.nanoTime();
                deletions.forEach(this::tryToDelete);
                progress.done("demo's resources deleted", start);
            }
        }
    }
}
