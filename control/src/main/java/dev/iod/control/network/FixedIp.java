package dev.iod.control.network;

import java.util.UUID;

/** An address of a port. */
record FixedIp(UUID subnetId, Ipv4 address) {}
