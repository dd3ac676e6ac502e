/**
 * What the services of a region share. A service is a {@link dev.iod.region.Service}: its name in
 * the catalog, its routes and words, its migrations, its part of nodes' goals; {@link
 * dev.iod.region.Services} does with all of them what is done with each. {@link
 * dev.iod.region.Audit} writes down who changed what.
 *
 * <p>And the region's side of the node contract: joining, the session of each node, its goal and
 * what it observes, and the image parts it fetches.
 *
 * <p>A node always dials. Each session has one virtual thread that writes goals, woken by database
 * notifications; observations are handed to one {@link dev.iod.region.NodeObserver} in the order of
 * arrival, on the session's thread. There is at most one session per node: a newer one ends the
 * older one.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.region;
