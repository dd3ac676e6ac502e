/**
 * What is known of packets that came before: flow entries (exact, {@link
 * dev.iod.eswitch.caches.FlowTable}) and paths (by the bits that were looked at, {@link
 * dev.iod.eswitch.caches.PathCache}), and what records them.
 *
 * <p><b>Threads.</b> The engine thread.
 *
 * <p><b>Bounds.</b> Flows as configured, of one port a part of them; paths of one ingress and of
 * all as {@link dev.iod.eswitch.caches.PathCache} says; 8 datapaths, connections and outputs of an
 * entry; 64 steps of a path.
 */
package dev.iod.eswitch.caches;
