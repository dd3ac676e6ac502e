/**
 * The packet engine: its process, its threads, its control socket. What packets meet is in the
 * packages below ({@code docs/architecture.md} has the table); knows nothing of OVN.
 *
 * <p><b>The way of a packet</b> ({@link dev.iod.eswitch.forward.PacketEngine}): a {@code Port}
 * copies it into the engine's own memory, {@code PacketParser} finds its headers, {@code FlowKey}
 * says all the pipeline could ask about it in eight words, {@code FlowTable} has what is done to
 * such packets ({@code FlowProgram}). A packet without an entry follows what is known of its path
 * ({@code PathFollower}): a tree for each ingress that branches by the bits rules looked at and by
 * what connection lookups found. Where that ends the rules run one by one ({@code SlowPath}).
 * {@code Recording} takes the steps of both, each once, writes the rest of the path down, and makes
 * one flow entry of what may be repeated for the same connection.
 *
 * <p><b>When an entry holds.</b> As long as the datapaths it crosses are of the same generation
 * ({@code EntityStore} gives a datapath a new one when a row changed that its packets can see) and
 * its connections have the same stamp ({@code Conntrack} changes it with every change of state,
 * mark or label). A known path holds as long as the generations do: connections are looked up
 * afresh. Segments that open or close a TCP connection use paths but no entries; fragments, ICMP
 * errors and packets with IP options use neither; packets that made the engine craft another leave
 * neither.
 *
 * <p><b>Threads.</b> "engine" owns everything packets touch: ports, flows, connections, counters.
 * "control-agent" (one per agent) builds the next {@code PipelineState}, which is immutable, and
 * hands it over as a command; "control-accept", "control-events", "device-retry" and "underlay"
 * (next hops from the kernel) never touch the engine thread's state either.
 *
 * <p><b>Bounds.</b> Rows 2,000,000; agents 8; control frame 16 MiB; nesting of a match or action
 * 64; per packet 8192 tables, 64 patch hops, 64 copies at a time; flows and connections as
 * configured, connections of one zone a quarter of all; events 1024 in wait. What goes beyond is
 * refused or dropped under a {@link dev.iod.pipeline.DropReason} or {@link
 * dev.iod.pipeline.Counter} of its own.
 *
 * <p><b>What survives.</b> The agent may come and go: running state stays, and its replacement
 * transaction leaves unchanged devices and flows alone. The engine may be killed: connections are
 * in a file and are found again by the next one.
 */
package dev.iod.eswitch;
