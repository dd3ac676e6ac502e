/**
 * The region's control plane: identity, image, network and compute services and their reconcilers.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.control {
    requires static transitive org.jspecify;
    requires dev.iod.runtime;
    requires dev.iod.ovsdb;
    requires dev.iod.node;
}
