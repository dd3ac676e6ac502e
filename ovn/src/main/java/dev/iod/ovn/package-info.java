/**
 * The OVN chassis: logical flow language to eSwitch pipeline, and binding.
 *
 * <p><b>The way of a change.</b> {@link dev.iod.ovsdb.Replica} → {@code Model} (rows by name and
 * key) → {@code Southbound} (which rows to ask for next) → {@code StateBuilder} with {@code
 * FlowCompiler} (rows to the engine's wanted state) → {@code EngineSync} (difference, commit,
 * acknowledgement) → {@code Binder} (claims, "up", nb_cfg, neighbours). Nothing is given to the
 * engine while conditional monitoring still fetches rows, so a flow that moves between rows or a
 * database that restarts never leaves a gap.
 *
 * <p><b>The language.</b> {@code Lexer} and {@code MatchParser} compile matches, {@code
 * ActionParser} actions, as ovn-sb(5) describes them, with {@code Symbol} as the table of fields.
 * What cannot be executed fails closed: its rule drops what (at least) the flow matches, and {@link
 * dev.iod.ovn.Chassis#status} names flow and reason.
 *
 * <p><b>Threads.</b> {@code ovn-chassis} owns all state and calls the listener; the replica's
 * thread only queues changes; completions of the engine and of transactions only set a result and
 * wake it. The methods of {@link dev.iod.ovn.Chassis} may be called by any thread.
 *
 * <p><b>Bounds.</b> Queued changes: one per selected row. Ports and services: {@link
 * dev.iod.ovn.Chassis#PORT_LIMIT}. Learned neighbours: {@code NeighborWriter.WAITING_LIMIT}, and
 * {@code BATCH_LIMIT} per tenth of a second. One change at the engine and one transaction at the
 * database at a time, each with a deadline, repeated after half a second and a second. Texts:
 * {@code Lexer.TEXT_LIMIT}, nested {@code Tokens.DEPTH_LIMIT} deep.
 */
package dev.iod.ovn;
