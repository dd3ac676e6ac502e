package dev.iod.region;

/** What nodes offer and servers and volumes take, with Placement's names where it has one. */
public enum ResourceClass {
    /** Virtual processors. */
    VCPU,
    /** Memory in MiB. */
    MEMORY_MB,
    /**
     * The pool of root disks and volumes in MiB. Placement's DISK_GB is too coarse: a disk may be
     * as large as its image.
     */
    DISK_MB
}
