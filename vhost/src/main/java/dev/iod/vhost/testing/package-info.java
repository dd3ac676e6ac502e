/**
 * The other side of the wire, for tests, fuzzers and benchmarks: a vhost-user front end with memory
 * and drivers of its own that can also misbehave. Single-threaded; nothing in a product process
 * uses it.
 */
package dev.iod.vhost.testing;
