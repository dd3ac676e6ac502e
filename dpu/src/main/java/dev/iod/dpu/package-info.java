/** The agent of a DPU: OVN chassis, virtClient, goal-state reconciler, metadata. */
package dev.iod.dpu;
