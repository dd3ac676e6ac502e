package dev.iod.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The region that the system tests share: started by {@code ./iod up} when first asked for. */
final class Region implements AutoCloseable {
    static final JsonMapper JSON = JsonMapper.builder().build();
    static final Path HOME = Path.of(System.getProperty("iod.home"));

    final Path run;
    private final Properties config = new Properties();

    private Region() {
        run = Path.of("/tmp/iod-test-" + ProcessHandle.current().pid());
        try {
            iod("up", "--thin-pool", "--pool-size", "16", "--node-memory", "4096");
        } catch (AssertionError e) {
            close();
            throw e;
        }
        try (var in = Files.newInputStream(run.resolve("region.properties"))) {
            config.load(in);
        } catch (IOException e) {
            throw new IllegalStateException("the region's configuration cannot be read", e);
        }
    }

    /** Gives tests the shared region as a parameter. */
    static final class Shared implements ParameterResolver {
        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == Region.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return context.getRoot()
                    .getStore(ExtensionContext.Namespace.GLOBAL)
                    .computeIfAbsent(Region.class, ignored -> new Region(), Region.class);
        }
    }

    /** Runs {@code ./iod} with this region's run directory; fails when it fails. */
    String iod(String... words) {
        return iodCommand(words).run();
    }

    /** The same for what may take longer than others. */
    String iod(int limitSeconds, String... words) {
        return iodCommand(words).within(limitSeconds).run();
    }

    private Command iodCommand(String... words) {
        List<String> command = new ArrayList<>(List.of(HOME.resolve("iod").toString()));
        command.addAll(List.of(words));
        return Command.of(command).environment("IOD_RUN", run.toString());
    }

    /** An interactive client for a cloud of clouds.yaml: "iod" (project demo) or "iod-admin". */
    Client client(String cloud) {
        return new Client(run.resolve("clouds.yaml"), cloud);
    }

    String api() {
        return "http://127.0.0.1:" + config.getProperty("api-port");
    }

    /** Where nodes dial. */
    String nodePort() {
        return config.getProperty("node-port");
    }

    String adminPassword() {
        return config.getProperty("admin-password");
    }

    /** What kernel objects of this region are called, for example "iod-1a2b-". */
    String prefix() {
        return "iod-" + config.getProperty("instance") + "-";
    }

    String nbctl(String... words) {
        return ovn("ovn-nbctl", "nb.sock", words);
    }

    String sbctl(String... words) {
        return ovn("ovn-sbctl", "sb.sock", words);
    }

    private String ovn(String program, String socket, String... words) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                program,
                                "--timeout=30",
                                "--db=unix:" + run.resolve("ovn/" + socket)));
        command.addAll(List.of(words));
        return Command.of(command).run();
    }

    /** Tells the supervisor "stop" or "restart" for one process, for example "n1-dpu". */
    void supervise(String verb, String process) {
        if (Files.isDirectory(Path.of("/run/systemd/system"))) {
            Command.run("systemctl", verb, prefix() + process + ".service");
        } else {
            Command.run("sv", "-w", "30", verb, run.resolve("services/" + process).toString());
        }
    }

    JsonNode status() {
        return JSON.readTree(iod("status", "--json"));
    }

    /** A process of the region; 0 when it does not run, of which {@code status} complains. */
    long pid(String name) {
        String status =
                Command.of(List.of(HOME.resolve("iod").toString(), "status", "--json"))
                        .environment("IOD_RUN", run.toString())
                        .attempt()
                        .output();
        for (JsonNode process : JSON.readTree(status).at("/processes")) {
            if (process.at("/name").stringValue().equals(name)) {
                return process.at("/pid").asLong();
            }
        }
        return 0;
    }

    @Override
    public void close() {
        iod("down", "--purge");
    }
}
