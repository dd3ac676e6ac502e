/**
 * The packet engine: ports, parser, pipeline, flow table, conntrack, tunnels; knows nothing of OVN.
 */
package dev.iod.eswitch;
