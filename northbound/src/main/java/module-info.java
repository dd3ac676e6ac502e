/**
 * Keeps OVN's northbound database equal to the network service's intent: plan, difference,
 * reconciler. Uses network for the intent and ovsdb for OVN.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.northbound {
    requires static transitive org.jspecify;
    requires transitive dev.iod.network;
    requires dev.iod.ovsdb;

    exports dev.iod.northbound;
}
