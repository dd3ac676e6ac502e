/** virtDaemon: starts, stops and watches VMMs when its DPU says so. */
@org.jspecify.annotations.NullMarked
module dev.iod.host {
    requires static transitive org.jspecify;
    requires dev.iod.sys;
    requires tools.jackson.core;
}
