package dev.iod.network;

import java.util.UUID;

/** An address of a port. */
public record FixedIp(UUID subnetId, Ipv4 address) {}
