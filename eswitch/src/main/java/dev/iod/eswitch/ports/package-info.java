/**
 * Where packets come in and leave: vhost-user devices, service devices of the kernel, the uplink,
 * and what the engine keeps of each ({@link dev.iod.eswitch.ports.Attachment}).
 *
 * <p><b>Threads.</b> The engine thread; a vhost-user port has the thread of its control socket, and
 * drops that the kernel side counts are read by whoever reports.
 *
 * <p><b>Bounds.</b> What a port receives at once is a batch; what it cannot send at once is dropped
 * and counted.
 */
package dev.iod.eswitch.ports;
