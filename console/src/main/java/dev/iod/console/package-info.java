/**
 * Consoles of servers, as Nova's console proxies serve them. {@code ConsoleTokens} is the table of
 * one-time tokens, {@code Consoles} gives them out and has the routes, a {@code Visit} is a
 * WebSocket of a client and the console on the node that it has.
 *
 * <p>Threads: a visit has the virtual thread of its connection, which carries what the client
 * types, and one more for what the console says; {@code console-watch} ends those that take too
 * long.
 *
 * <p>Bounded: tokens of a server, visits of a project and in all, pieces of bytes, how many of them
 * a second and how long one waits ({@code Flow}), silence, the length of a visit; the uses of one
 * node, in all and by a project, by the region ({@code NodeConsoles}), those of one server by its
 * node.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.console;
