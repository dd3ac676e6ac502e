/**
 * A packet's way through the engine ({@link dev.iod.eswitch.forward.PacketEngine}): the flow table,
 * the known path, the pipeline; what leaves, and what agents are told of it.
 *
 * <p><b>Threads.</b> The engine thread; {@link dev.iod.eswitch.forward.EventQueue} is emptied by
 * "control-events".
 *
 * <p><b>Bounds.</b> Per packet 8192 tables, 64 patch hops, 64 copies at a time; 8 datapaths,
 * connections and outputs of a flow entry; 64 steps of a known path; events 1024 in wait.
 */
package dev.iod.eswitch.forward;
