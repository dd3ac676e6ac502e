/**
 * {@code ./iod bench eswitch}. One thread does everything in order; what a run started is ended by
 * {@link dev.iod.bench.Cleanup}, also on a signal. Each case is at most rounds × sides runs of a
 * fixed number of seconds.
 */
package dev.iod.bench;
