/**
 * The vhost-user back end: protocol, guest memory map, virtqueues; device-neutral.
 *
 * <p><b>Threads.</b> One control thread waits for all front ends of the process ({@code
 * ControlThread}): it dials, accepts, and keeps the time. A message that has come is handled by a
 * thread lent for as long as there is something to do, so that a front end that keeps it waiting,
 * by an answer it does not take or a descriptor that is slow to close, holds up nobody else; half a
 * message needs no thread at all. What such threads do is a device's <i>control side</i>: one
 * thread at a time, which speaks the protocol and owns memory map and ring settings. Rings are
 * touched by the engine thread alone. The control side hands rings over as an immutable {@code
 * RingSet}: it publishes a new one, wakes the engine and waits until the engine has said that it
 * uses it; only then is anything of the old one unmapped or closed. The engine thread never waits.
 *
 * <p><b>Trust.</b> The guest writes to rings and buffers at any time, the VMM sends messages: both
 * are hostile. Every message is checked for size, flags, descriptors and state; every descriptor is
 * read once into locals; every guest address is checked once against the region table with its
 * length; chains are bounded by the ring size. A violation ends the connection of that device with
 * a reason and nothing else; what is wrong only within a request that is clear is that request's
 * error ({@link dev.iod.vhost.Chain#sound()}). Memory that is not sealed against truncation is
 * refused unless the device says otherwise, and then a truncated page is an {@link InternalError},
 * a violation too. {@link dev.iod.vhost.VhostDevice#guarded} is the one place that catches either.
 *
 * <p><b>Reconnecting.</b> No ring position outlives a connection: the front end sends it again
 * (SET_VRING_BASE), which is exact because completion is strictly in order. A ring that goes live
 * is processed without waiting for a kick and its guest is interrupted once, because either signal
 * may have been lost with the previous process.
 *
 * <p>A device whose requests are answered in any order ({@link dev.iod.vhost.RequestRing}) has no
 * exact position. What it has taken and not answered is noted in a memory file that the front end
 * keeps (INFLIGHT_SHMFD); the next process takes the same requests again, in their old order, and
 * ignores the position it is sent. While such a device has requests under way its engine does not
 * go over to other rings, so that memory stays mapped until the last one is answered.
 *
 * <p><b>Bounds.</b> Regions: 8 (the protocol's own limit). Ring size and number of rings: the
 * device type's. Message payload: 268 bytes. Lent threads: one for each device that is being
 * served. Looks for a message: 2,000 a second, then one a millisecond. Redial: every 50 ms; after a
 * violation the pause doubles up to 5 s.
 */
package dev.iod.vhost;
