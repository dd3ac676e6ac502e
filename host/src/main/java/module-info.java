/**
 * virtDaemon: starts, stops and watches VMMs when its DPU says so.
 *
 * <p>Owns the machine models, the QEMU processes of one node and the protocol by which the DPU asks
 * for them. May use {@code sys} and a streaming JSON parser; no TCP, no database, no image cache.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.host {
    exports dev.iod.host;

    requires static transitive org.jspecify;
    requires dev.iod.sys;
    requires jdk.net;
    requires tools.jackson.core;
}
