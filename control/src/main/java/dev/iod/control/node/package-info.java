/**
 * The region's side of the node contract: joining, the session of each node, its goal and what it
 * observes, and the image parts it fetches.
 *
 * <p>A node always dials. Each session has one virtual thread that writes goals, woken by database
 * notifications; observations are handed to one {@link dev.iod.control.node.ObservationSink} in the
 * order of arrival, on the session's thread. There is at most one session per node: a newer one
 * ends the older one.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.control.node;
