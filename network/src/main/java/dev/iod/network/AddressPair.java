package dev.iod.network;

/**
 * An address a port may use beside its own.
 *
 * @param address an IPv4 address or prefix
 */
public record AddressPair(String mac, String address) {}
