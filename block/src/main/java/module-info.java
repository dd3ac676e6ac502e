/**
 * The block engine: vhost-user-blk devices, their stages (QoS, cipher) and back ends, the local
 * pool; {@code main} of the engine process. Uses {@code engine}, {@code sys} and {@code vhost}.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.block {
    requires static transitive org.jspecify;
    requires transitive dev.iod.engine;
    requires dev.iod.sys;
    requires dev.iod.vhost;

    exports dev.iod.block;
}
