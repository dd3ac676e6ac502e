package dev.iod.bench;

import dev.iod.ovn.Chassis;
import dev.iod.ovn.LocalService;
import dev.iod.ovsdb.Endpoint;
import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.Entity;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;

/**
 * The agent's chassis in a process of its own, as {@code ovn-controller} is: nothing else of the
 * agent runs in it. Ends on a signal and then removes its rows from the southbound database.
 */
final class ChassisProcess {
    private static final int MTU_BYTES = 1442;

    private ChassisProcess() {}

    /**
     * @param arguments name, tunnel address, southbound socket, engine socket, own directory, file
     *     of ports (a line each: name and MAC address in digits)
     */
    public static void main(String[] arguments) throws InterruptedException {
        Path engine = Path.of(arguments[3]);
        Path directory = Path.of(arguments[4]);
        EngineLink link = new EngineLink();
        Chassis chassis =
                Chassis.open(
                        new Chassis.Config(
                                arguments[0],
                                arguments[0],
                                arguments[1],
                                List.of(new Endpoint.Unix(Path.of(arguments[2]))),
                                Optional.empty(),
                                directory.resolve("zones"),
                                true),
                        link,
                        new Quiet());
        int device = 1;
        for (String line : Shell.readAll(Path.of(arguments[5])).lines().toList()) {
            String[] words = line.split(" ");
            chassis.plug(words[0], device(directory, device++, words[0], words[1]));
        }
        chassis.portsKnown();
        EngineClient client = link.open(engine, arguments[0], chassis);
        Runtime.getRuntime()
                .addShutdownHook(
                        new Thread(
                                () -> {
                                    chassis.close();
                                    client.close();
                                },
                                "end"));
        new CountDownLatch(1).await();
    }

    /** A guest that listens on v1, v2, … in the directory. */
    private static Entity.Device device(Path directory, int id, String name, String mac) {
        return new Entity.Device(
                id,
                name,
                new Entity.Kind.VhostUser(
                        directory.resolve("v" + id).toString(), Long.parseLong(mac, 16)),
                MTU_BYTES);
    }

    private static final class Quiet implements Chassis.Listener {
        @Override
        public void portReady(String port, boolean ready) {}

        @Override
        public void services(Set<LocalService> services) {}
    }
}
