/**
 * A packet in the engine's own memory: where its headers are, what rules can read and change of it,
 * checksums, batches and a pool of copies. Rules that read a field say so ({@link
 * dev.iod.eswitch.packet.Looks}).
 *
 * <p><b>Threads.</b> Packets, batches and the pool belong to the engine thread.
 *
 * <p><b>Bounds.</b> A batch 32 packets of a fixed stride; headers are looked for no further than
 * the packet is long.
 */
package dev.iod.eswitch.packet;
