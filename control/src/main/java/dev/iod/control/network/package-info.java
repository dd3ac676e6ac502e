/**
 * Networks, subnets, ports, routers and security groups: Neutron's API, and OVN's northbound
 * database derived from it.
 *
 * <p>Intent is in SQL (migration V010). {@link dev.iod.control.network.NetworkApi} changes it, one
 * transaction per request; {@link dev.iod.control.network.ServerPorts} lets the compute service
 * change it inside its own transactions. Each kind of resource has a {@code …Resource} (what the
 * requests do), a {@code …Fields} (reading them) and a {@code …Store} (its SQL).
 *
 * <p>{@code NorthboundPlan} turns a snapshot of the intent into the rows OVN shall have, and is a
 * pure function; {@code NorthboundDiff} turns plan and replica into the next transaction, and is
 * one too; {@link dev.iod.control.network.NorthboundReconciler} runs them on one thread of its own,
 * {@code northbound}, until nothing differs.
 *
 * <p>Bounds: lists in a request have at most {@code Attributes.LIST_LENGTH} elements, bulk requests
 * 100 resources, a port 5 addresses and 10 address pairs, a server {@link
 * dev.iod.control.network.ServerPorts#MAXIMUM_PORTS} ports; a northbound transaction has about
 * {@code NorthboundReconciler.TRANSACTION_LIMIT} operations, a round {@code PASSES_LIMIT}
 * transactions.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.control.network;
