/**
 * What every process needs once: configuration, structured log, metrics, TLS identity, back-off,
 * orderly stop.
 */
package dev.iod.runtime;
