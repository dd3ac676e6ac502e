package dev.iod.eswitch;

import dev.iod.sys.Memory;
import org.jspecify.annotations.Nullable;

/**
 * One packet in a buffer of the engine's own (with {@link PacketBatch#HEADROOM} in front), where
 * its headers are, and its metadata. Header fields are read and written in place. Reused; owned by
 * the engine thread.
 */
final class Packet {
    static final int REGISTERS = 10;

    static final int ETH_TYPE_IP4 = 0x0800;
    static final int ETH_TYPE_ARP = 0x0806;
    static final int ETH_TYPE_IP6 = 0x86dd;
    static final int ETHERNET = 14;
    static final int PROTO_ICMP4 = 1;
    static final int PROTO_TCP = 6;
    static final int PROTO_UDP = 17;
    static final int PROTO_ICMP6 = 58;
    static final int PROTO_SCTP = 132;
    static final int VLAN_PRESENT = 0x1000;
    static final int TCP_FIN = 1;
    static final int TCP_SYN = 2;
    static final int TCP_RST = 4;
    static final int TCP_PSH = 8;
    static final int TCP_ACK = 16;
    static final int TCP_URG = 32;

    /** Which transport header starts at {@link #l4}. */
    enum Transport {
        NONE,
        TCP,
        UDP,
        SCTP,
        ICMP4,
        ICMP6
    }

    // Where the bytes are.
    long address;
    int length;

    // What the parser found; offsets from address, 0 = absent.
    int etherType;
    int vlanTci;
    int l3;
    int l4;

    /** 4, 6 or 0. */
    int ipVersion;

    int ipProto;

    /** Bit 0: a fragment; bit 1: a later fragment. */
    int fragment;

    /** IPv4 options or IPv6 extension headers are present. */
    boolean ipOptions;

    boolean arp;
    Transport transport = Transport.NONE;
    boolean neighborDiscovery;
    int ndSource;
    int ndTarget;

    // Metadata.
    final long[] registers = new long[REGISTERS];
    long inPort;
    long outPort;
    int datapath;
    int flags;
    int ctState;
    int ctMark;
    long ctLabelHigh;
    long ctLabelLow;

    // What the engine keeps about the packet's way.

    /** Came from a local service, so must not leave by a tunnel. */
    boolean fromService;

    boolean fromTunnel;

    /** Whom connections are charged to ({@link Senders}). */
    int sender;

    /** The last check of port security forbade it. */
    boolean insecure;

    /** Fields written so far, as bits of their ordinals. */
    long modified;

    /** Number of times this packet, or a copy made of it to deliver it, went on. */
    int outputs;

    /** Why its way ended, when it did without output. */
    @Nullable DropReason drop;

    /** Nothing more happens to it. */
    boolean halted;

    /** Forgets metadata, keeps the bytes. */
    void clearMetadata() {
        clearIdentity();
        clearState();
    }

    /** Forgets where it came from and what became of it. */
    void clearIdentity() {
        clearFate();
        inPort = 0;
        outPort = 0;
        datapath = 0;
        fromService = false;
        sender = Senders.NOBODY;
    }

    /** Forgets what the pipeline knows about it. */
    void clearState() {
        clearRegisters();
        flags = 0;
        clearConnection();
        fromTunnel = false;
        insecure = false;
        modified = 0;
    }

    private void clearFate() {
        outputs = 0;
        drop = null;
        halted = false;
    }

    /** Ends the packet's way; the first reason counts. */
    void end(DropReason reason) {
        if (drop == null) {
            drop = reason;
        }
        halted = true;
    }

    void clearRegisters() {
        for (int i = 0; i < REGISTERS; i++) {
            registers[i] = 0;
        }
    }

    void clearConnection() {
        ctState = 0;
        ctMark = 0;
        ctLabelHigh = 0;
        ctLabelLow = 0;
    }

    /** Copies bytes, parse result and metadata into this packet's own buffer. */
    void copyFrom(Packet other) {
        Memory.copy(other.address, address, other.length);
        length = other.length;
        etherType = other.etherType;
        vlanTci = other.vlanTci;
        l3 = other.l3;
        l4 = other.l4;
        ipVersion = other.ipVersion;
        ipProto = other.ipProto;
        fragment = other.fragment;
        ipOptions = other.ipOptions;
        arp = other.arp;
        transport = other.transport;
        neighborDiscovery = other.neighborDiscovery;
        ndSource = other.ndSource;
        ndTarget = other.ndTarget;
        copyMetadata(other);
    }

    void copyMetadata(Packet other) {
        clearFate();
        System.arraycopy(other.registers, 0, registers, 0, REGISTERS);
        inPort = other.inPort;
        outPort = other.outPort;
        datapath = other.datapath;
        flags = other.flags;
        ctState = other.ctState;
        ctMark = other.ctMark;
        ctLabelHigh = other.ctLabelHigh;
        ctLabelLow = other.ctLabelLow;
        fromService = other.fromService;
        fromTunnel = other.fromTunnel;
        sender = other.sender;
        insecure = other.insecure;
        modified = other.modified;
    }

    // Raw access for those who make or take packets apart; offsets from the start of the frame.

    int u8(int offset) {
        return Memory.readByte(address + offset);
    }

    int u16(int offset) {
        return Memory.readShortNetwork(address + offset);
    }

    long u32(int offset) {
        return Memory.readIntNetwork(address + offset) & 0xffff_ffffL;
    }

    long u48(int offset) {
        return (long) u16(offset) << 32 | u32(offset + 2);
    }

    long u64(int offset) {
        return Memory.readLongNetwork(address + offset);
    }

    void put8(int offset, int value) {
        Memory.writeByte(address + offset, value);
    }

    void put16(int offset, int value) {
        Memory.writeShortNetwork(address + offset, value);
    }

    void put32(int offset, long value) {
        Memory.writeIntNetwork(address + offset, (int) value);
    }

    void put48(int offset, long value) {
        put16(offset, (int) (value >>> 32));
        put32(offset + 2, value);
    }

    void put64(int offset, long value) {
        Memory.writeLongNetwork(address + offset, value);
    }

    /** The low 64 bits of a field; zero when its header is absent. */
    long low(Field field) {
        return HeaderFields.low(this, field);
    }

    /** The high 64 bits of a field; zero for fields of up to 64 bits. */
    long high(Field field) {
        return HeaderFields.high(this, field);
    }

    boolean isIp() {
        return ipVersion != 0;
    }

    /** Bytes of the IP packet; 0 when this is none. */
    int ipLength() {
        return isIp() ? length - l3 : 0;
    }

    /** The protocol as the header says (the byte beside IPv4's TTL). */
    int ipProtoByte() {
        return u8(l3 + 9);
    }

    int tcpFlags() {
        return u16(l4 + 12) & 0xfff;
    }

    /** Offset of the TCP payload. */
    int tcpPayload() {
        return l4 + (u8(l4 + 12) >>> 4) * 4;
    }

    /** Bytes of the IPv4 header with options, or of the IPv6 header with extension headers. */
    int ipHeaderLength() {
        return ipVersion == 4 ? (u8(l3) & 15) * 4 : l4 == 0 ? 40 : l4 - l3;
    }
}
