/**
 * What every package of the engine may use: counters, the clock, a map that does not allocate.
 *
 * <p><b>Threads.</b> Each object belongs to one thread; the clock to all.
 *
 * <p><b>Bounds.</b> Counters are as many as {@link dev.iod.pipeline.Counter} and {@link
 * dev.iod.pipeline.DropReason} have; a map holds what its owner bounds.
 */
package dev.iod.eswitch.base;
