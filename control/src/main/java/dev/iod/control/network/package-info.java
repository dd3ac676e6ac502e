/**
 * Networks, subnets, ports, routers and security groups: Neutron's API, and OVN's northbound
 * database derived from it.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.control.network;
