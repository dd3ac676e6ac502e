package dev.iod.eswitch.packet;

import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.Field;
import dev.iod.sys.Memory;
import org.jspecify.annotations.Nullable;

/**
 * One packet in a buffer of the engine's own (with {@link PacketBatch#HEADROOM} in front), where
 * its headers are, and its metadata. Header fields are read and written in place. Reused; owned by
 * the engine thread.
 */
public final class Packet {
    static final int REGISTERS = 10;

    public static final int ETH_TYPE_IP4 = 0x0800;
    public static final int ETH_TYPE_ARP = 0x0806;
    public static final int ETH_TYPE_IP6 = 0x86dd;
    public static final int ETHERNET = 14;

    /** Whom nobody is charged for. */
    public static final int NOBODY = 0;

    static final int VLAN_PRESENT = 0x1000;
    public static final int TCP_FIN = 1;
    public static final int TCP_SYN = 2;
    public static final int TCP_RST = 4;
    public static final int TCP_PSH = 8;
    public static final int TCP_ACK = 16;
    public static final int TCP_URG = 32;

    /** Which transport header starts at {@link #l4}. */
    public enum Transport {
        NONE,
        TCP,
        UDP,
        SCTP,
        ICMP4,
        ICMP6
    }

    // Where the bytes are.
    public long address;
    public int length;

    // What the parser found; offsets from address, 0 = absent.
    int etherType;
    public int vlanTci;
    public int l3;
    public int l4;

    /** 4, 6 or 0. */
    public int ipVersion;

    public int ipProto;

    /** Bit 0: a fragment; bit 1: a later fragment. */
    public int fragment;

    /** IPv4 options or IPv6 extension headers are present. */
    public boolean ipOptions;

    public boolean arp;
    public Transport transport = Transport.NONE;
    public boolean neighborDiscovery;
    int ndSource;
    int ndTarget;

    // Metadata.
    public final long[] registers = new long[REGISTERS];
    public long inPort;
    public long outPort;
    public int datapath;
    public int flags;
    public int ctState;
    public int ctMark;
    public long ctLabelHigh;
    public long ctLabelLow;

    // What the engine keeps about the packet's way.

    /** Came from a local service, so must not leave by a tunnel. */
    public boolean fromService;

    public boolean fromTunnel;

    /** Whom connections are charged to ({@code Senders}). */
    public int sender;

    /** The last check of port security forbade it. */
    public boolean insecure;

    /** Fields written so far, as bits of their ordinals. */
    public long modified;

    /** Number of times this packet, or a copy made of it to deliver it, went on. */
    public int outputs;

    /** Why its way ended, when it did without output. */
    public @Nullable DropReason drop;

    /** Nothing more happens to it. */
    public boolean halted;

    /** Forgets metadata, keeps the bytes. */
    public void clearMetadata() {
        clearIdentity();
        clearState();
    }

    /** Forgets where it came from and what became of it. */
    public void clearIdentity() {
        clearFate();
        inPort = 0;
        outPort = 0;
        datapath = 0;
        fromService = false;
        sender = NOBODY;
    }

    /** Forgets what the pipeline knows about it. */
    public void clearState() {
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
    public void end(DropReason reason) {
        if (drop == null) {
            drop = reason;
        }
        halted = true;
    }

    public void clearRegisters() {
        for (int i = 0; i < REGISTERS; i++) {
            registers[i] = 0;
        }
    }

    public void clearConnection() {
        ctState = 0;
        ctMark = 0;
        ctLabelHigh = 0;
        ctLabelLow = 0;
    }

    /** Copies bytes, parse result and metadata into this packet's own buffer. */
    public void copyFrom(Packet other) {
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

    public void copyMetadata(Packet other) {
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

    public int u8(int offset) {
        return Memory.readByte(address + offset);
    }

    public int u16(int offset) {
        return Memory.readShortNetwork(address + offset);
    }

    public long u32(int offset) {
        return Memory.readIntNetwork(address + offset) & 0xffff_ffffL;
    }

    long u48(int offset) {
        return (long) u16(offset) << 32 | u32(offset + 2);
    }

    public long u64(int offset) {
        return Memory.readLongNetwork(address + offset);
    }

    public void put8(int offset, int value) {
        Memory.writeByte(address + offset, value);
    }

    public void put16(int offset, int value) {
        Memory.writeShortNetwork(address + offset, value);
    }

    public void put32(int offset, long value) {
        Memory.writeIntNetwork(address + offset, (int) value);
    }

    public void put48(int offset, long value) {
        put16(offset, (int) (value >>> 32));
        put32(offset + 2, value);
    }

    public void put64(int offset, long value) {
        Memory.writeLongNetwork(address + offset, value);
    }

    /** The low 64 bits of a field; zero when its header is absent. */
    public long low(Field field) {
        return HeaderFields.low(this, field);
    }

    /** The high 64 bits of a field; zero for fields of up to 64 bits. */
    public long high(Field field) {
        return HeaderFields.high(this, field);
    }

    public boolean isIp() {
        return ipVersion != 0;
    }

    /** Bytes of the IP packet; 0 when this is none. */
    public int ipLength() {
        return isIp() ? length - l3 : 0;
    }

    /** The protocol as the header says (the byte beside IPv4's TTL). */
    int ipProtoByte() {
        return u8(l3 + 9);
    }

    public int tcpFlags() {
        return u16(l4 + 12) & 0xfff;
    }

    /** Offset of the TCP payload. */
    public int tcpPayload() {
        return l4 + (u8(l4 + 12) >>> 4) * 4;
    }

    /** Bytes of the IPv4 header with options, or of the IPv6 header with extension headers. */
    int ipHeaderLength() {
        return ipVersion == 4 ? (u8(l3) & 15) * 4 : l4 == 0 ? 40 : l4 - l3;
    }
}
