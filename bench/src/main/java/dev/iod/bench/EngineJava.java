package dev.iod.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How the packet engine's process is run: as a node runs it, with its start cache. */
final class EngineJava {
    private EngineJava() {}

    /**
     * The command, to which its configuration file is to be added.
     *
     * @param cached use the start cache, which the build makes, when it is there
     * @param options further ones of the JVM, after the usual ones
     */
    static List<String> command(Path home, boolean cached, List<String> options) {
        Path module = home.resolve("eswitch");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.add("@" + module.resolve("jvm.options"));
        Path cache = module.resolve("target/eswitch.aot");
        if (cached && Files.exists(cache)) {
            command.addAll(List.of("-XX:AOTCache=" + cache, "-Xlog:aot=off,cds=off"));
        }
        command.addAll(options);
        command.addAll(
                List.of(
                        "-p",
                        module.resolve("target/lib")
                                + ":"
                                + module.resolve("target/eswitch-0.1.0-SNAPSHOT.jar"),
                        "-m",
                        "dev.iod.eswitch/dev.iod.eswitch.Main"));
        return command;
    }
}
