package dev.iod.host;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Finds out whether an accelerator really runs guests here. A device file that opens proves
 * nothing, nor does a guest in real mode, which KVM may emulate: inside another virtual machine KVM
 * was seen to do both and then hang as soon as a kernel switched paging on. So the probe is a BIOS
 * that goes the way of a kernel (protected mode, page tables, long mode), works a little, and ends
 * QEMU with a status of its choice; on the board, with the processor and as the user of the real
 * guests.
 */
final class AcceleratorProbe {
    /** A machine on which this takes longer is better off without. */
    static final long LIMIT_MILLIS = 5_000;

    private static final System.Logger LOG = System.getLogger(AcceleratorProbe.class.getName());

    private static final int BIOS_BYTES = 64 * 1024;

    /** The processor starts 16 bytes before the end: jmp f000:0000. */
    private static final byte[] RESET = HexFormat.of().parseHex("ea000000f0");

    /** Runs at f000:0000, which is linear 0xf0000 (Intel SDM volume 3, 10.8.5: entering IA-32e). */
    private static final byte[] CODE =
            HexFormat.of()
                    .parseHex(
                            // cli; ds = es = ss = 0; sp = 0x7000
                            "fa31c08ed88ec08ed0bc0070"
                                    // 12 KiB of zeros from 0x1000: rep stosw
                                    + "fcbf0010b90018f3ab"
                                    // PML4, PDPT and PD: the first 2 MiB as one page
                                    + "c70600100320c70600200330c70600308300"
                                    // lgdtl cs:0x98
                                    + "2e660f01169800"
                                    // cr4 = PAE; cr3 = 0x1000
                                    + "66b8200000000f22e066b8001000000f22d8"
                                    // EFER.LME
                                    + "66b9800000c00f32660d000100000f30"
                                    // cr0 |= PG | PE; jmp 8:0xf0064
                                    + "0f20c0660d010000800f22c066ea64000f000800"
                                    // 64 bits: 100000 times incl 0x6000
                                    + "b9a0860100ff042500600000e2f7"
                                    // cr3 = cr3; cpuid(0)
                                    + "0f20d80f22d831c00fa2"
                                    // out 0xf4, 0x10; hlt
                                    + "66baf400b010eef4"
                                    // alignment; GDT: null, 64-bit code; its pointer at 0x98
                                    + "0f1f4000"
                                    + "0000000000000000"
                                    + "00000000009a2000"
                                    + "0f0088000f00");

    /** The isa-debug-exit device ends QEMU with twice the value plus one. */
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
            System.arraycopy(CODE, 0, image, 0, CODE.length);
            System.arraycopy(RESET, 0, image, BIOS_BYTES - 16, RESET.length);
            Files.write(bios, image);
            Files.deleteIfExists(output);
            return run(command(qemu, accelerator, user), scratch, output);
        } catch (IOException e) {
            return Optional.of("QEMU cannot be started: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of("the probe was interrupted");
        } finally {
            delete(bios);
            delete(output);
        }
    }

    private static Optional<String> run(List<String> command, Path scratch, Path output)
            throws IOException, InterruptedException {
        Process process = Launcher.builder(command, scratch, output).start();
        if (!process.waitFor(LIMIT_MILLIS, TimeUnit.MILLISECONDS)) {
            process.destroyForcibly().waitFor();
            return Optional.of("a guest did not come through within " + LIMIT_MILLIS + " ms");
        }
        if (process.exitValue() == EXPECTED_STATUS) {
            return Optional.empty();
        }
        String said = new String(ConsoleLog.tail(output, 300), StandardCharsets.UTF_8);
        return Optional.of(
                "QEMU ended with status %d: %s"
                        .formatted(
                                process.exitValue(), said.strip().replaceAll("\\s*\\R\\s*", "; ")));
    }

    private static List<String> command(String qemu, Accelerator accelerator, VmmUser user)
            throws IOException {
        List<String> probe =
                new ArrayList<>(
                        List.of(
                                qemu,
                                "-nodefaults",
                                "-no-user-config",
                                "-display",
                                "none",
                                "-machine",
                                "q35",
                                "-m",
                                "2M",
                                "-bios",
                                "/dev/fd/3",
                                "-device",
                                "isa-debug-exit,iobase=0xf4,iosize=1"));
        probe.addAll(QemuCommand.processor(accelerator));
        List<String> command = new ArrayList<>();
        command.addAll(List.of("sh", "-c", "exec 3<probe.bin && exec \"$@\"", "sh"));
        command.addAll(user.demoted(probe, accelerator));
        return command;
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.log(Level.WARNING, "cannot delete {0}: {1}", file, e.getMessage());
        }
    }
}
