/** The agent of a DPU: OVN chassis, virtClient, goal-state reconciler, metadata. */
@org.jspecify.annotations.NullMarked
module dev.iod.dpu {
    requires static transitive org.jspecify;
    requires dev.iod.sys;
    requires dev.iod.runtime;
    requires dev.iod.ovn;
    requires dev.iod.node;
    requires dev.iod.host;
}
