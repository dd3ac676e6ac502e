/**
 * The packet engine from outside: rows an agent writes ({@link dev.iod.pipeline.Entity}: datapaths,
 * ports, rules of {@link dev.iod.pipeline.Match} and {@link dev.iod.pipeline.Action}), the protocol
 * that carries them, the {@link dev.iod.pipeline.EngineClient} and what the engine reports.
 *
 * <p><b>Threads.</b> A client has two of its own, "engine-client" (connects, receives) and
 * "engine-client-calls" (calls the listener); all else is immutable or used by one thread.
 *
 * <p><b>Bounds.</b> Of a client 1,024 requests without an answer and 4,096 calls in wait; nesting
 * of a match or action 64.
 */
package dev.iod.pipeline;
