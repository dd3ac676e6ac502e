package dev.iod.network;

import dev.iod.rest.Ipv4;
import java.util.UUID;

/** An address of a port. */
public record FixedIp(UUID subnetId, Ipv4 address) {}
