/**
 * Networks, subnets, ports, routers and security groups: Neutron's API and the intent behind it.
 *
 * <p>Intent is in SQL (migration V010). {@link dev.iod.network.NetworkApi} changes it, one
 * transaction per request; {@link dev.iod.network.ServerPorts} lets the compute service change it
 * inside its own transactions. Each kind of resource has a {@code …Resource} (what the requests
 * do), a {@code …Fields} (reading them) and a {@code …Store} (its SQL).
 *
 * <p>{@link dev.iod.network.SnapshotStore} reads all of it in one transaction for whoever makes it
 * so: the module northbound, with OVN.
 *
 * <p>Bounds: lists in a request have at most {@code Attributes.LIST_LENGTH} elements, bulk requests
 * 100 resources, a port 5 addresses and 10 address pairs, a server {@link
 * dev.iod.network.ServerPorts#MAXIMUM_PORTS} ports.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.network;
