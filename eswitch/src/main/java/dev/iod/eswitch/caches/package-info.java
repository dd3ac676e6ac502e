/**
 * What is known of packets that came before: flow entries (by the whole key, {@link
 * dev.iod.eswitch.caches.FlowTable}) and paths (by the bits that were looked at, {@link
 * dev.iod.eswitch.caches.PathCache}), and how long it holds ({@link
 * dev.iod.eswitch.caches.Validity}).
 *
 * <p><b>Threads.</b> The engine thread.
 *
 * <p><b>Bounds.</b> Flows as configured, of one port a part of them; segments of paths 65,536, of
 * one ingress 4,096, ingresses 16,384.
 */
package dev.iod.eswitch.caches;
