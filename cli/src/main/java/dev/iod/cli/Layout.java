package dev.iod.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Where everything of one region on this machine lives: one directory, and names of kernel objects
 * that derive from it, so that two regions side by side do not meet.
 */
record Layout(Path home, Path run, String instance) {
    /** From {@code IOD_HOME} (set by {@code ./iod}) and {@code IOD_RUN}. */
    static Layout ofEnvironment() {
        Path home =
                Path.of(System.getenv().getOrDefault("IOD_HOME", ".")).toAbsolutePath().normalize();
        String run = System.getenv("IOD_RUN");
        Path directory =
                (run == null || run.isEmpty() ? home.resolve("run") : Path.of(run))
                        .toAbsolutePath()
                        .normalize();
        int longest =
                directory.resolve("nodes/n1/guests/").toString().length()
                        + 36
                        + "/qmp.sock".length();
        if (longest > 107) {
            throw new CliException(
                    "the run directory "
                            + directory
                            + " makes unix socket paths longer than the"
                            + " kernel's 107 bytes; set IOD_RUN to a shorter one");
        }
        return of(home, directory);
    }

    static Layout of(Path home, Path run) {
        return new Layout(home, run, hash(run.toString()));
    }

    private static String hash(String text) {
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 2);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    Path pki() {
        return run.resolve("pki");
    }

    Path services() {
        return run.resolve("services");
    }

    Path log(String process) {
        return run.resolve("log").resolve(process);
    }

    Path postgres() {
        return run.resolve("postgres");
    }

    Path ovn() {
        return run.resolve("ovn");
    }

    Path control() {
        return run.resolve("control");
    }

    Path node(String node) {
        return run.resolve("nodes").resolve(node);
    }

    Path image() {
        return home.resolve("target/iod-micro");
    }

    /** What the region serves browsers of noVNC. */
    Path novnc() {
        return home.resolve("target/novnc");
    }

    /** The namespace with the underlay's bridge. */
    String underlayNamespace() {
        return namespacePrefix() + "net";
    }

    String nodeNamespace(String node) {
        return namespacePrefix() + node;
    }

    /** Every namespace of this region starts with this. */
    String namespacePrefix() {
        return "iod-" + instance + "-";
    }

    /** Where a node's block engine keeps its volumes. */
    Path pool(String node) {
        return node(node).resolve("pool");
    }

    /** Where a node's block engine notes what is attached. */
    Path attachments(String node) {
        return Path.of("/dev/shm").resolve(namespacePrefix() + node + "-block");
    }

    /** Where a node's engine keeps the tables that outlive it. */
    Path tables(String node) {
        return Path.of("/dev/shm").resolve(namespacePrefix() + node);
    }

    /** Creates a directory with its parents if it is not there. */
    static Path directory(Path path) {
        try {
            return Files.createDirectories(path);
        } catch (IOException e) {
            throw new CliException(
                    "cannot make directory " + path + ": " + CliException.reason(e), e);
        }
    }

    /** Writes a file if its content differs. @return whether it was written */
    static boolean write(Path path, String content, boolean executable, boolean secret) {
        try {
            if (Files.exists(path) && Files.readString(path).equals(content)) {
                return false;
            }
            directory(path.resolveSibling("."));
            Path temporary = path.resolveSibling(path.getFileName() + ".new");
            Files.deleteIfExists(temporary);
            Files.createFile(temporary);
            String mode = secret ? "rw-------" : executable ? "rwxr-xr-x" : "rw-r--r--";
            Files.setPosixFilePermissions(
                    temporary, java.nio.file.attribute.PosixFilePermissions.fromString(mode));
            Files.writeString(temporary, content);
            Files.move(
                    temporary,
                    path,
                    java.nio.file.StandardCopyOption.ATOMIC_MOVE,
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            return true;
        } catch (IOException e) {
            throw new CliException("cannot write " + path + ": " + CliException.reason(e), e);
        }
    }

    static String read(Path path) {
        try {
            return Files.readString(path);
        } catch (IOException e) {
            throw new CliException("cannot read " + path + ": " + CliException.reason(e), e);
        }
    }
}
