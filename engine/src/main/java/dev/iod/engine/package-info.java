/**
 * What engine processes and their clients do alike, whatever the engine: frames of a control socket
 * ({@link dev.iod.engine.FrameChannel}), their bodies ({@link dev.iod.engine.WireWriter}, {@link
 * dev.iod.engine.WireReader}), the engine's end of it ({@link dev.iod.engine.ControlServer}), its
 * {@link dev.iod.engine.Settings} and what goes wrong ({@link dev.iod.engine.EngineException}).
 *
 * <p><b>Threads.</b> A server has "control-accept" and one "control-agent" per agent; each class
 * says who may call it.
 *
 * <p><b>Bounds.</b> Agents 8; a frame 16 MiB; what is read of one never more than the frame holds.
 */
package dev.iod.engine;
