package dev.iod.host;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/**
 * What virtDaemon is told at its start.
 *
 * @param socket where it listens for its DPU, key {@code socket}
 * @param directory where it keeps one directory per machine, key {@code directory}
 * @param user who runs the VMMs, key {@code user}
 * @param qemu the VMM, a path or a name to find, key {@code qemu}
 * @param accelerator what to use without probing; key {@code accelerator}: auto, kvm or tcg
 * @param startMillis how long a VMM may take to answer, its back ends included, 1 to 600000; key
 *     {@code start-millis}
 */
record Config(
        Path socket,
        Path directory,
        String user,
        String qemu,
        Optional<Accelerator> accelerator,
        long startMillis) {

    private static final Set<String> KEYS =
            Set.of("socket", "directory", "user", "qemu", "accelerator", "start-millis");

    /**
     * Reads a properties file.
     *
     * @throws HostException INVALID when it cannot be read, a key is unknown or a value is wrong
     */
    static Config read(Path file) {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IOException | IllegalArgumentException e) {
            throw new HostException(
                    HostException.Category.INVALID, "cannot read " + file + ": " + e, e);
        }
        Set<String> unknown = new TreeSet<>(properties.stringPropertyNames());
        unknown.removeAll(KEYS);
        MachineSpec.check(
                unknown.isEmpty(),
                "%s: unknown keys %s, expected %s",
                file,
                unknown,
                new TreeSet<>(KEYS));
        return new Config(
                Path.of(required(file, properties, "socket")),
                Path.of(required(file, properties, "directory")),
                properties.getProperty("user", "iod-qemu"),
                properties.getProperty("qemu", "qemu-system-x86_64"),
                accelerator(file, properties.getProperty("accelerator", "auto")),
                millis(file, properties.getProperty("start-millis", "30000")));
    }

    private static long millis(Path file, String value) {
        MachineSpec.check(
                value.matches("[1-9][0-9]{0,5}") && Long.parseLong(value) <= 600_000,
                "%s: start-millis %s: expected 1 to 600000",
                file,
                value);
        return Long.parseLong(value);
    }

    private static String required(Path file, Properties properties, String key) {
        String value = properties.getProperty(key, "");
        MachineSpec.check(!value.isBlank(), "%s: key %s is missing", file, key);
        return value;
    }

    private static Optional<Accelerator> accelerator(Path file, String value) {
        return switch (value) {
            case "auto" -> Optional.empty();
            case "kvm" -> Optional.of(Accelerator.KVM);
            case "tcg" -> Optional.of(Accelerator.TCG);
            default ->
                    throw new HostException(
                            HostException.Category.INVALID,
                            file + ": accelerator " + value + ": expected auto, kvm or tcg");
        };
    }
}
