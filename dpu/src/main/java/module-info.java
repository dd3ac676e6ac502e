/**
 * The agent of a DPU: OVN chassis, virtClient, goal-state reconciler, metadata. Uses everything of
 * the node; nothing uses it.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.dpu {
    requires static transitive org.jspecify;
    requires dev.iod.sys;
    requires dev.iod.pki;
    requires dev.iod.runtime;
    requires io.prometheus.metrics.core;
    requires dev.iod.pipeline;
    requires dev.iod.block;
    requires dev.iod.ovsdb;
    requires dev.iod.ovn;
    requires dev.iod.node;
    requires dev.iod.host;
    requires jdk.httpserver;
    requires jdk.management;
    requires tools.jackson.core;
}
