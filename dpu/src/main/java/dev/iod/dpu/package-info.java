/**
 * The agent of a DPU. It owns what should run on this node and where that stands: the session with
 * the region ({@code RegionSession}), the consoles it asks for ({@code Consoles}), the reconciler
 * ({@code VirtClient}, {@code Reconciler}), the image cache, the servers' disks ({@code
 * PoolDisks}), the OVN chassis with its devices, and the metadata service. It decides; virtDaemon
 * and the engines do, and go on without it.
 *
 * <p>Threads: {@code session} dials and sends, {@code console} asks virtDaemon for output, {@code
 * console-SERVER} carries a console, {@code virt-client} reconciles, {@code image-fetch} fetches
 * one image at a time, {@code disks} talks to the block engine, {@code metadata} makes namespaces
 * and servers, {@code metadata-N} answer requests; the chassis and the engine's client have their
 * own. Each owns its state, others wake it.
 *
 * <p>Metrics: {@code AgentMetrics}, read from {@code metrics.sock} in the node's directory.
 *
 * <p>Bounded: console requests and replies under way, the image cache's disk and its queue, starts
 * of a generation, devices, metadata requests and connections; every retry backs off to at most
 * five seconds.
 */
package dev.iod.dpu;
