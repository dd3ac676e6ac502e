/**
 * The contract between a region and its nodes (protobuf over gRPC). Messages and stubs are
 * generated from {@code node.proto}; {@link dev.iod.node.NodeListener} is the region's end, {@link
 * dev.iod.node.RegionLink} the node's.
 *
 * <p>Threads: one network thread per end; calls run on virtual threads. Bounded: the size of a
 * message, the calls of a connection, the time a silent peer is believed in, and what peers without
 * a certificate are given.
 */
package dev.iod.node;
