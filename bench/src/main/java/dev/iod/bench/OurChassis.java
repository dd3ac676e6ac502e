package dev.iod.bench;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The agent's chassis in its own process, and the packet engine in another. */
final class OurChassis implements ChassisSide {
    static final String HOST = "bench-ours";
    static final String ADDRESS = "192.168.61.1";
    private static final int START_SECONDS = 30;

    private final OvnLab lab;
    private final Path directory;
    private final Path southbound;
    private final List<String> jvmOptions;
    private final Process engine;
    private final List<ServerSocketChannel> listening = new ArrayList<>();
    private Optional<Process> chassis = Optional.empty();

    /** Options of the two JVMs beside those of the product. */
    record JvmOptions(List<String> chassis, List<String> engine) {}

    OurChassis(OvnLab lab, String name, OvnDatabases ovn, int networks, JvmOptions jvm) {
        this.lab = lab;
        this.directory = lab.directory(name);
        this.southbound = ovn.southboundSocket();
        this.jvmOptions = jvm.chassis();
        StringBuilder ports = new StringBuilder();
        for (int network = 0; network < networks; network++) {
            ports.append(OvnNetworks.port(network, 0))
                    .append(' ')
                    .append(OvnNetworks.macDigits(network, 0))
                    .append('\n');
        }
        Shell.write(directory.resolve("ports"), ports.toString());
        listen(networks);
        this.engine = startEngine(jvm.engine());
        Shell.await("the engine", START_SECONDS, () -> Files.exists(socket()));
    }

    /** The guests: they take the engine's connections and never say anything. */
    private void listen(int guests) {
        try {
            for (int device = 1; device <= guests; device++) {
                ServerSocketChannel guest = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                listening.add(guest);
                guest.bind(UnixDomainSocketAddress.of(directory.resolve("v" + device)));
            }
        } catch (IOException e) {
            throw new BenchException("cannot listen in " + directory + ": " + e.getMessage(), e);
        }
    }

    private Path socket() {
        return directory.resolve("s");
    }

    private Process startEngine(List<String> options) {
        Path config = directory.resolve("eswitch.properties");
        Shell.write(
                config,
                "socket=%s\nuplink=%s\nencapsulation=%s\ntables=%s\n"
                        .formatted(socket(), OvnLab.UPLINK, ADDRESS, directory.resolve("tables")));
        List<String> command = new ArrayList<>(List.of("ip", "netns", "exec", lab.namespace()));
        command.addAll(EngineJava.command(lab.home(), true, options));
        command.add(config.toString());
        return lab.start(directory, "eswitch", command);
    }

    @Override
    public void start() {
        Path home = lab.home();
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.add("@" + home.resolve("dpu/jvm.options"));
        command.addAll(jvmOptions);
        command.addAll(
                List.of(
                        "-p",
                        home.resolve("bench/target/lib")
                                + ":"
                                + home.resolve("bench/target/bench-0.1.0-SNAPSHOT.jar"),
                        "-m",
                        "dev.iod.bench/dev.iod.bench.ChassisProcess",
                        HOST,
                        ADDRESS,
                        southbound.toString(),
                        socket().toString(),
                        directory.toString(),
                        directory.resolve("ports").toString()));
        chassis = Optional.of(lab.start(directory, "chassis", command));
    }

    @Override
    public String name() {
        return Run.OURS;
    }

    @Override
    public String host() {
        return HOST;
    }

    @Override
    public Process chassis() {
        return chassis.orElseThrow();
    }

    @Override
    public Process dataplane() {
        return engine;
    }

    @Override
    public List<Path> logs() {
        return List.of(directory.resolve("eswitch.log"), directory.resolve("chassis.log"));
    }

    @Override
    public void close() {
        chassis.ifPresent(OvnLab::end);
        OvnLab.end(engine);
        for (ServerSocketChannel guest : listening) {
            try {
                guest.close();
            } catch (IOException e) {
                throw new BenchException("cannot close a socket: " + e.getMessage(), e);
            }
        }
    }
}
