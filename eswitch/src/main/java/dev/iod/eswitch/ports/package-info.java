/**
 * Where packets come in and leave: vhost-user devices, service devices of the kernel, AF_XDP, and
 * what the engine keeps of each ({@link dev.iod.eswitch.ports.Attachment}).
 *
 * <p><b>Threads.</b> The engine thread; a vhost-user port's control socket has a thread of its own
 * in {@code dev.iod.vhost}.
 *
 * <p><b>Bounds.</b> What a port receives at once is a batch; what it cannot send at once is dropped
 * and counted.
 */
package dev.iod.eswitch.ports;
