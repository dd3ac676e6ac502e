/**
 * Geneve (RFC 8926) with OVN's metadata option, and the next hops of tunnels.
 *
 * <p><b>Threads.</b> The engine thread encapsulates; "underlay" follows the kernel's neighbours and
 * hands the engine thread addresses that never change in place.
 *
 * <p><b>Bounds.</b> Next hops are kept for the tunnel addresses the agent named.
 */
package dev.iod.eswitch.tunnel;
