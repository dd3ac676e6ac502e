/**
 * The packet engine: ports, parser, pipeline, flow table, conntrack, tunnels; knows nothing of OVN.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.eswitch {
    requires static transitive org.jspecify;
    requires dev.iod.sys;
    requires dev.iod.vhost;

    exports dev.iod.eswitch;
}
