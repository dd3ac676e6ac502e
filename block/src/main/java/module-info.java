/**
 * The block engine: vhost-user-blk devices, their stages (QoS, cipher) and back ends, the local
 * pool; {@code main} of the engine process. Uses {@code sys} and {@code vhost}.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.block {
    requires static transitive org.jspecify;
    requires dev.iod.sys;
    requires dev.iod.vhost;

    exports dev.iod.block;
}
