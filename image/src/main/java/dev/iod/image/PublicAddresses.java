package dev.iod.image;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;

/**
 * Which addresses are somebody else's on the Internet: what a stranger makes the region connect to
 * must not be the region, its nodes or what is beside them.
 */
final class PublicAddresses {
    /** Of IANA's registry of IPv4 special-purpose addresses, with multicast and class E. */
    private static final int[][] SPECIAL_V4 = {
        {0x00000000, 8},
        {0x0a000000, 8},
        {0x64400000, 10},
        {0x7f000000, 8},
        {0xa9fe0000, 16},
        {0xac100000, 12},
        {0xc0000000, 24},
        {0xc0000200, 24},
        {0xc0586300, 24},
        {0xc0a80000, 16},
        {0xc6120000, 15},
        {0xc6336400, 24},
        {0xcb007100, 24},
        {0xe0000000, 4},
        {0xf0000000, 4},
    };

    /** Within 2000::/3, outside of which nothing is public: what carries IPv4, and examples. */
    private static final int[][] SPECIAL_V6 = {
        {0x20010000, 23}, {0x20010db8, 32}, {0x20020000, 16}, {0x3fff0000, 20},
    };

    private PublicAddresses() {}

    /** Whether it is one, and none of this machine. */
    static boolean contain(InetAddress address) {
        return isPublic(address) && !isOwn(address);
    }

    static boolean isPublic(InetAddress address) {
        byte[] bytes = address.getAddress();
        int first = first(bytes);
        if (address instanceof Inet4Address) {
            return !within(first, SPECIAL_V4);
        }
        return (first & 0xe0000000) == 0x20000000 && !within(first, SPECIAL_V6);
    }

    private static int first(byte[] bytes) {
        return (bytes[0] & 0xff) << 24
                | (bytes[1] & 0xff) << 16
                | (bytes[2] & 0xff) << 8
                | bytes[3] & 0xff;
    }

    private static boolean within(int first, int[][] networks) {
        for (int[] network : networks) {
            if ((first ^ network[0]) >>> (32 - network[1]) == 0) {
                return true;
            }
        }
        return false;
    }

    /** Not sure is one. */
    private static boolean isOwn(InetAddress address) {
        try {
            return NetworkInterface.getByInetAddress(address) != null;
        } catch (SocketException e) {
            return true;
        }
    }
}
