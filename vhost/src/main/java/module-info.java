/**
 * The vhost-user back end: protocol, guest memory map, virtqueues; device-neutral. Uses {@code
 * sys}.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.vhost {
    requires static transitive org.jspecify;
    requires transitive dev.iod.sys;

    exports dev.iod.vhost;
    exports dev.iod.vhost.testing;
}
