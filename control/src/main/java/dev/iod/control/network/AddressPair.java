package dev.iod.control.network;

/**
 * An address a port may use beside its own.
 *
 * @param address an IPv4 address or prefix
 */
record AddressPair(String mac, String address) {}
