/**
 * What every process needs once: configuration, structured log, metrics, TLS identity, back-off,
 * orderly stop.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.runtime {
    requires static transitive org.jspecify;
}
