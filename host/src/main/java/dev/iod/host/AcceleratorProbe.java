package dev.iod.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Finds out whether an accelerator really runs instructions here: a device file that opens proves
 * nothing, KVM inside another virtual machine may open and then never run. A guest of five
 * instructions has to end QEMU with a number of its choice, in time, as the VMMs' user.
 */
final class AcceleratorProbe {
    private static final long LIMIT_MILLIS = 5_000;

    /** The last 16 bytes of the BIOS, where a processor starts: writes 0x10 to port 0xf4. */
    private static final byte[] RESET_VECTOR = {
        (byte) 0xba,
        (byte) 0xf4,
        0x00, // mov dx, 0xf4
        (byte) 0xb0,
        0x10, // mov al, 0x10
        (byte) 0xee, // out dx, al
        (byte) 0xf4 // hlt
    };

    private static final int BIOS_BYTES = 64 * 1024;

    /** QEMU's isa-debug-exit device ends it with twice the value plus one. */
    private static final int EXPECTED_STATUS = 0x10 * 2 + 1;

    private AcceleratorProbe() {}

    /**
     * Why the accelerator cannot be used; empty when it works.
     *
     * @param scratch an existing directory for the probe's files
     */
    static Optional<String> failure(
            String qemu, Accelerator accelerator, VmmUser user, Path scratch) {
        Path bios = scratch.resolve("probe.bin");
        Path output = scratch.resolve("probe.log");
        try {
            byte[] image = new byte[BIOS_BYTES];
            System.arraycopy(RESET_VECTOR, 0, image, BIOS_BYTES - 16, RESET_VECTOR.length);
            Files.write(bios, image);
            Files.deleteIfExists(output);
            Process process =
                    Launcher.builder(command(qemu, accelerator, user, bios), scratch, output)
                            .start();
            if (!process.waitFor(LIMIT_MILLIS, TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
                return Optional.of("a guest did not run within " + LIMIT_MILLIS + " ms");
            }
            if (process.exitValue() != EXPECTED_STATUS) {
                byte[] tail = ConsoleLog.tail(output, 300);
                return Optional.of(
                        "QEMU ended with status "
                                + process.exitValue()
                                + ": "
                                + new String(tail, java.nio.charset.StandardCharsets.UTF_8)
                                        .strip());
            }
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of("QEMU cannot be started: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of("the probe was interrupted");
        } finally {
            for (Path file : Arrays.asList(bios, output)) {
                try {
                    Files.deleteIfExists(file);
                } catch (IOException e) {
                    System.getLogger(AcceleratorProbe.class.getName())
                            .log(System.Logger.Level.WARNING, "cannot delete " + file, e);
                }
            }
        }
    }

    private static List<String> command(
            String qemu, Accelerator accelerator, VmmUser user, Path bios) {
        String name =
                switch (accelerator) {
                    case KVM -> "kvm";
                    case TCG -> "tcg";
                };
        List<String> probe =
                List.of(
                        qemu,
                        "-nodefaults",
                        "-no-user-config",
                        "-nographic",
                        "-machine",
                        "isapc,accel=" + name,
                        "-m",
                        "1M",
                        "-bios",
                        "/dev/fd/3",
                        "-device",
                        "isa-debug-exit,iobase=0xf4,iosize=1");
        List<String> command = new java.util.ArrayList<>();
        command.addAll(List.of("sh", "-c", "exec 3<\"$1\" && shift && exec \"$@\"", "sh"));
        command.add(bios.getFileName().toString());
        command.addAll(user.demoted(probe));
        return command;
    }
}
