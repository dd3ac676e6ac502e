/**
 * Measures the engines beside peers: starts both, a generator and what they need, alternates them
 * and prints figures. Nothing depends on it.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.bench {
    requires static transitive org.jspecify;
    requires dev.iod.block;
    requires dev.iod.pipeline;
    requires dev.iod.ovn;
    requires dev.iod.ovsdb;
    requires dev.iod.sys;
    requires dev.iod.vhost;
    requires info.picocli;
    requires tools.jackson.databind;

    opens dev.iod.bench to
            info.picocli,
            tools.jackson.databind;
}
