/**
 * The OVN chassis: logical flow language to the engine's pipeline, port binding, and what is
 * learned on the way. Owns everything this node reads from and writes to the southbound database.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.ovn {
    requires static transitive org.jspecify;
    requires transitive dev.iod.ovsdb;
    requires transitive dev.iod.pipeline;

    exports dev.iod.ovn;
}
