/**
 * The packet engine: ports, parser, rules, flow table, conntrack, tunnels; knows nothing of OVN.
 * Others talk to its process in the language of {@code pipeline}; nothing uses its classes.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.eswitch {
    requires static transitive org.jspecify;
    requires dev.iod.sys;
    requires dev.iod.vhost;
    requires dev.iod.engine;
    requires dev.iod.pipeline;
}
