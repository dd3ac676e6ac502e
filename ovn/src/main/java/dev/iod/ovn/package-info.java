/**
 * The OVN chassis: logical flow language to eSwitch pipeline, and binding.
 *
 * <p><b>The way of a change.</b> {@link dev.iod.ovsdb.Replica} → {@code Model} (rows and indexes;
 * says which facts a row changes) → {@code LocalDatapaths} and {@code Selection} (which rows to ask
 * for next) → {@code StateBuilder} with {@code FlowCompiler} (makes again what was made from those
 * facts, see {@code Derivations}) → {@code Wanted} (what the engine should hold and what it was not
 * told yet) → {@code EngineSync} (difference, commit, acknowledgement) → {@code Binder} (claims,
 * "up", nb_cfg, neighbours). A changed row costs what it touches. Nothing is given to the engine
 * while conditional monitoring still fetches rows, so a flow that moves between rows or a database
 * that restarts never leaves a gap.
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
 * <p><b>Bounds.</b> Queued changes, results and facts: so many per selected row and device. Texts
 * kept: {@code FlowCompiler.TEXT_LIMIT}. Ports and services: {@link
 * dev.iod.ovn.Chassis#PORT_LIMIT}. Learned neighbours: {@code NeighborWriter.WAITING_LIMIT}, and
 * {@code BATCH_LIMIT} per tenth of a second. One change at the engine and one transaction at the
 * database at a time, each with a deadline, repeated after half a second and a second. Texts:
 * {@code Lexer.TEXT_LIMIT}, nested {@code Tokens.DEPTH_LIMIT} deep.
 */
package dev.iod.ovn;
