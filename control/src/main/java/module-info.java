/**
 * The region's process: Main wires the services of the other modules together, with the settings
 * and keys it needs to do so. Uses every module of the region.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.control {
    requires static transitive org.jspecify;
    requires dev.iod.compute;
    requires dev.iod.console;
    requires dev.iod.identity;
    requires dev.iod.image;
    requires dev.iod.network;
    requires dev.iod.node;
    requires dev.iod.northbound;
    requires dev.iod.region;
    requires dev.iod.pki;
    requires dev.iod.runtime;
    requires dev.iod.sys;
    requires dev.iod.volume;
    requires java.logging;
}
