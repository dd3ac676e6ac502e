/**
 * Geneve (RFC 8926) with OVN's metadata option: which frames of the uplink are ours, what is in
 * them, and what goes into tunnels ({@link dev.iod.eswitch.tunnel.Tunnels}); the next hops of the
 * underlay.
 *
 * <p><b>Threads.</b> The engine thread packs and unpacks; "underlay" follows the kernel's
 * neighbours and hands over next hops that never change in place.
 *
 * <p><b>Bounds.</b> Next hops are kept for the tunnel addresses the agent named.
 */
package dev.iod.eswitch.tunnel;
