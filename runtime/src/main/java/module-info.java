/**
 * What every process needs once: configuration, structured log, metrics, TLS identity, back-off,
 * orderly stop.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.runtime {
    requires static transitive org.jspecify;
    requires transitive io.prometheus.metrics.core;
    requires transitive io.prometheus.metrics.model;
    requires io.prometheus.writer.text;

    exports dev.iod.runtime;

    provides System.LoggerFinder with
            dev.iod.runtime.LineLoggerFinder;
}
