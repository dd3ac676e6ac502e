/**
 * Cinder's API: volumes, their types, quotas and messages; their places in the nodes' pools; their
 * part of each node's goal and what nodes report back.
 *
 * <p>Tables: {@code volume_type}, {@code volume}, {@code volume_message}. A request changes them in
 * one transaction together with quota, allocations and the revision of the node's goal, and is
 * answered; the rest happens when the node reports ({@link dev.iod.volume.VolumeObservations}).
 * Nothing is kept in memory, so a process killed anywhere loses nothing but the requests it had not
 * answered. What a report means is a pure function, {@link dev.iod.volume.Lifecycle}.
 *
 * <p>Everything runs on the caller's thread. Bounds: lists by {@link
 * dev.iod.rest.ListQuery#MAX_LIMIT}, volumes by quota and by the pools, messages by their age.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.volume;
