/**
 * What every process needs once: configuration ({@code Config}), the structured log ({@code
 * LineLoggerFinder}, found by the JDK), figures ({@code Metrics}), TLS identity ({@code
 * TlsIdentity}, {@code CertificateAuthority}, {@code SigningRequest}, {@code Pem}), back-off and
 * orderly stop ({@code Shutdown}).
 *
 * <p>It starts no threads but the shutdown hook. Bounded: the size of files it reads, the length
 * and the rate of log lines, the number of parts to stop and the time each may take.
 */
package dev.iod.runtime;
