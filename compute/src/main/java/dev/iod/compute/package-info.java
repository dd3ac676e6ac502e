/**
 * Nova's API: flavors, key pairs, server groups, servers; their placement on nodes with the claim
 * of capacity; the goal of each node and what nodes report back.
 *
 * <p>Tables: {@code flavor}, {@code keypair}, {@code server_group}, {@code compute_node} (claims),
 * {@code server} (what was asked and what was seen), {@code instance_action}. A request changes
 * them in one serializable transaction together with the ports and the revision of the node's goal,
 * and is answered; the rest happens when the node reports ({@link
 * dev.iod.compute.ComputeObservations}). Nothing is kept in memory, so a process killed anywhere
 * loses nothing but the requests it had not answered.
 *
 * <p>Shapes are data: {@link dev.iod.rest.View} for answers, {@link dev.iod.rest.Schema} for
 * requests, both with the microversions of each field. Decisions are pure functions: {@link
 * dev.iod.compute.Scheduler}, {@link dev.iod.compute.Lifecycle}.
 *
 * <p>Everything runs on the caller's thread. Bounds: lists by {@link
 * dev.iod.rest.ListQuery#MAX_LIMIT}, servers per request by {@link
 * dev.iod.compute.Bodies#MAX_SERVERS_PER_REQUEST}, servers by quota and by the memory of the nodes,
 * actions of deleted servers by their age.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.compute;
