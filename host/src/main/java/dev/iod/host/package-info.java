/**
 * virtDaemon: starts, stops and watches VMMs when its DPU says so.
 *
 * <p>Owns the QEMU processes of one node, their directories and serial consoles, and the protocol
 * ({@link dev.iod.host.HostClient}). A QEMU is not tied to the daemon: it has a session of its own,
 * keeps its console output in a ring in its own memory, and is adopted by the next daemon.
 *
 * <p>Threads, all virtual: one agent per machine ({@code Machine}), which alone touches the
 * machine's state; one reader per QMP connection; a reader and an event writer per client. Whoever
 * wants something of a machine puts a command in its inbox and waits for the answer.
 *
 * <p>Devices of a running machine change step by step ({@code HotPlug}); virtDaemon remembers what
 * is wanted, QEMU what there is.
 *
 * <p>Bounds: machines {@code Machines.MAX_MACHINES}, devices of a machine {@code
 * MachineStatus.MAX_DEVICES}, clients {@code Server.MAX_SESSIONS}, a line {@code Lines.MAX_BYTES},
 * a reply {@code Lines.MAX_REPLY_BYTES}, an inbox {@code Machine.MAX_COMMANDS}, a console {@code
 * ConsoleLog.MAX_BYTES} on disk and {@code QemuCommand.CONSOLE_RING_BYTES} in QEMU, starts under
 * way {@code StartSlots}; every QMP command and every start has a deadline.
 */
package dev.iod.host;
