/** The OVN chassis: logical flow language to eSwitch pipeline, and binding. */
@org.jspecify.annotations.NullMarked
module dev.iod.ovn {
    requires static transitive org.jspecify;
    requires transitive dev.iod.ovsdb;
    requires transitive dev.iod.eswitch;

    exports dev.iod.ovn;
}
