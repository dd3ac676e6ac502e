/**
 * What agents told the engine, ready to run: rows ({@link dev.iod.eswitch.rules.EntityStore})
 * become the next {@link dev.iod.eswitch.rules.PipelineState} with a classifier for each table.
 *
 * <p><b>Threads.</b> The store is used by one thread at a time, "control-agent" or the one that
 * starts the engine; a state is immutable and read by the engine thread.
 *
 * <p><b>Bounds.</b> Rows 2,000,000; a transaction as many changes.
 */
package dev.iod.eswitch.rules;
