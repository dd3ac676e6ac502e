package dev.iod.pipeline;

/** IP protocol numbers (IANA "Protocol Numbers") that are told from each other. */
public final class IpProtocol {
    public static final int ICMP4 = 1;
    public static final int TCP = 6;
    public static final int UDP = 17;
    public static final int ICMP6 = 58;
    public static final int SCTP = 132;

    private IpProtocol() {}
}
