/**
 * What engine processes and their clients do alike: frames of the control sockets. Uses {@code
 * sys}.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.engine {
    requires static transitive org.jspecify;
    requires dev.iod.sys;

    exports dev.iod.engine;
}
