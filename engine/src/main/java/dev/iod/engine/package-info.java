/**
 * What engine processes and their clients do alike, whatever the engine: frames of a control socket
 * ({@link dev.iod.engine.FrameChannel}), their bodies ({@link dev.iod.engine.WireWriter}, {@link
 * dev.iod.engine.WireReader}) and what goes wrong ({@link dev.iod.engine.EngineException}).
 *
 * <p><b>Threads.</b> None of its own; each class says who may call it.
 *
 * <p><b>Bounds.</b> A frame 16 MiB; what is read of one never more than the frame holds.
 */
package dev.iod.engine;
