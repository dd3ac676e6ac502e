/**
 * Packets the engine makes itself, from one that came: ICMP errors, TCP resets, SCTP aborts, ARP
 * and ND answers, DHCP.
 *
 * <p><b>Threads.</b> The engine thread.
 *
 * <p><b>Bounds.</b> One packet out of one, never longer than a buffer of a batch.
 */
package dev.iod.eswitch.replies;
