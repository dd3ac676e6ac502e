package dev.iod.dpu;

import com.sun.management.OperatingSystemMXBean;
import dev.iod.runtime.Config;
import java.lang.management.ManagementFactory;

/**
 * What a node offers to tenants: what its machine has, less what the node's own processes need,
 * divided among the nodes of the machine; or what its configuration says instead.
 *
 * @param vcpus processors, 1 to 4096
 * @param memoryMib memory in MiB, 64 MiB to 64 TiB
 */
record Capacity(int vcpus, long memoryMib) {
    private static final int MOST_VCPUS = 4096;
    private static final long LEAST_MIB = 64;
    private static final long MOST_MIB = 64L << 20;
    private static final int MOST_NODES = 64;
    private static final long RESERVED_MIB = 1024;

    /** This machine, as far as its processes may use it: limits of a container count. */
    static Capacity ofMachine() {
        OperatingSystemMXBean system =
                ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        return new Capacity(
                Runtime.getRuntime().availableProcessors(), system.getTotalMemorySize() >> 20);
    }

    /**
     * Keys: {@code nodes-on-machine} (1 to 64, how many nodes share the machine), {@code
     * reserved-vcpus} and {@code reserved-memory-mib} (kept of the whole machine), and {@code
     * vcpus} and {@code memory-mib}, which say what is offered whatever the machine has.
     *
     * @throws DpuException NODE when nothing is left to offer
     */
    static Capacity of(Config config, Capacity machine) {
        int nodes = config.integer("nodes-on-machine", 1, MOST_NODES, 1);
        int reservedVcpus = config.integer("reserved-vcpus", 0, MOST_VCPUS, 0);
        long reservedMib = config.number("reserved-memory-mib", 0, MOST_MIB, RESERVED_MIB);
        long vcpus =
                config.integer("vcpus", 1, MOST_VCPUS, left(machine.vcpus - reservedVcpus, nodes));
        long memoryMib =
                config.number(
                        "memory-mib",
                        LEAST_MIB,
                        MOST_MIB,
                        Math.max(0, machine.memoryMib - reservedMib) / nodes);
        if (vcpus < 1 || memoryMib < LEAST_MIB) {
            throw new DpuException(
                    DpuException.Category.NODE,
                    ("the machine has %d processors and %d MiB: with %d processors and %d MiB"
                                    + " reserved, nothing is left for each of %d nodes to offer")
                            .formatted(
                                    machine.vcpus,
                                    machine.memoryMib,
                                    reservedVcpus,
                                    reservedMib,
                                    nodes));
        }
        return new Capacity(Math.toIntExact(vcpus), memoryMib);
    }

    /** Processors are shared in time: each node offers at least one when there is any. */
    private static int left(int vcpus, int nodes) {
        return vcpus <= 0 ? 0 : Math.min(MOST_VCPUS, (vcpus + nodes - 1) / nodes);
    }
}
