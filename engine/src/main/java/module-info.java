/**
 * What engine processes and their clients do alike: frames and server of the control sockets,
 * settings. Uses {@code sys}.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.engine {
    requires static transitive org.jspecify;
    requires dev.iod.sys;

    exports dev.iod.engine;
}
