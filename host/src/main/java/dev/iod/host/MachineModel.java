package dev.iod.host;

/** The virtual hardware of a machine; {@link QemuCommand} says what each one is made of. */
public enum MachineModel {
    /** PCI Express with empty root ports for hot-plug. */
    Q35,
    /** virtio over MMIO, no PCI: starts faster, cannot hot-plug, has no display. */
    MICROVM;

    /** Whether it has a display, a keyboard and a mouse. */
    boolean hasDisplay() {
        return this == Q35;
    }
}
