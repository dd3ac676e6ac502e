package dev.iod.host;

/** How QEMU executes a guest's instructions. */
enum Accelerator {
    /** The processor does, through the kernel's KVM. */
    KVM,
    /** QEMU translates them. Works everywhere, about ten times slower. */
    TCG
}
