/**
 * Connection tracking: the table and its file, the states of TCP, timeouts, and who is charged for
 * what ({@link dev.iod.eswitch.connections.Senders}).
 *
 * <p><b>Threads.</b> The engine thread.
 *
 * <p><b>Bounds.</b> Connections as configured, of one zone and of one port a part of them; the
 * state lives in a file of fixed size.
 */
package dev.iod.eswitch.connections;
