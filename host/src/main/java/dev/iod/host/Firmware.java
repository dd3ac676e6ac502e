package dev.iod.host;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What starts a machine's first disk; Debian's packages {@code seabios} and {@code ovmf}. */
public enum Firmware {
    /** SeaBIOS: the disk's boot sector. */
    BIOS("", ""),
    /** OVMF: the boot entries of the machine's NVRAM, else {@code \\EFI\\BOOT\\BOOTX64.EFI}. */
    UEFI("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
    /** OVMF with Microsoft's keys: starts only what they signed. */
    UEFI_SECURE_BOOT("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.ms.fd");

    private static final Path OVMF = Path.of("/usr/share/OVMF");

    private final String code;
    private final String variables;

    Firmware(String code, String variables) {
        this.code = code;
        this.variables = variables;
    }

    /** The firmware's program and what an NVRAM starts as; empty: QEMU has it built in. */
    Optional<Flash> flash() {
        return code.isEmpty()
                ? Optional.empty()
                : Optional.of(new Flash(OVMF.resolve(code), OVMF.resolve(variables)));
    }

    /**
     * Two files.
     *
     * @param code is only read
     * @param variables is copied for each machine
     */
    record Flash(Path code, Path variables) {
        /**
         * @throws HostException INVALID when the package is not installed
         */
        void check() {
            for (Path file : List.of(code, variables)) {
                MachineSpec.check(
                        Files.isReadable(file),
                        "boot: there is no UEFI firmware %s on this host: install the package ovmf",
                        file);
            }
        }
    }
}
