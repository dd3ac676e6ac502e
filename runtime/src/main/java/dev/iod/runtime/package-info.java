/**
 * What every process needs once: configuration ({@code Config}), the structured log ({@code
 * LineLoggerFinder}, found by the JDK), figures ({@code Metrics}, {@code MetricsSocket}), TLS
 * identity ({@code TlsIdentity}, {@code Pem}), back-off and orderly stop ({@code Shutdown}).
 *
 * <p>Threads: the shutdown hook, and those of the metrics socket. Bounded: the size of files it
 * reads, the length and the rate of log lines, the readers of figures, the number of parts to stop
 * and the time each may take.
 */
package dev.iod.runtime;
