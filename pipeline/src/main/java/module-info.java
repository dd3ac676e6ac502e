/**
 * How the packet engine is told what to do: its match-action language, the control protocol, the
 * client and the reports. Uses {@code engine}.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.pipeline {
    requires static transitive org.jspecify;
    requires transitive dev.iod.engine;

    exports dev.iod.pipeline;
    exports dev.iod.pipeline.testing;
}
