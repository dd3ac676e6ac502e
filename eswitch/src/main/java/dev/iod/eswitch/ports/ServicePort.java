package dev.iod.eswitch.ports;

import dev.iod.eswitch.packet.Checksum;
import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.IpProtocol;
import dev.iod.sys.Epoll;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.sys.SysException;
import dev.iod.sys.Tun;
import java.lang.System.Logger.Level;

/**
 * A local service (OVN's localport): a TUN interface in a network namespace in which a process
 * listens. The source address of what a guest sends becomes 198.18.0.0/15 | key of the logical port
 * it came in by (a range no network may use, RFC 2544), so the service knows its client by the
 * port, which the guest cannot choose, and guests with equal addresses stay apart. Replies get the
 * guest's own address back.
 *
 * <p>Carries unfragmented TCP over IPv4 without options; everything else is dropped and counted
 * under {@link DropReason#SERVICE_UNSUPPORTED}. A SYN decides which guest address a port's TCP port
 * number stands for. Allocates nothing per packet.
 */
public final class ServicePort implements Port {
    /** 198.18.0.0. */
    static final int CLIENTS = 0xc612_0000;

    private static final System.Logger LOG = System.getLogger(ServicePort.class.getName());
    private static final int CLIENTS_MASK = 0xfffe_0000;
    private static final int ETHERNET_BYTES = 14;
    private static final int IPV4_BYTES = 20;
    private static final int TCP_BYTES = 20;
    private static final int MIN_PACKET = IPV4_BYTES + TCP_BYTES;
    private static final int IP_FIRST_BYTE = 0x45;
    private static final int IP_TOTAL_LENGTH = 2;
    private static final int IP_FRAGMENT = 6;
    private static final int IP_PROTOCOL = 9;
    private static final int IP_CHECKSUM = 10;
    private static final int IP_SOURCE = 12;
    private static final int IP_DESTINATION = 16;
    private static final int TCP_SOURCE = IPV4_BYTES;
    private static final int TCP_DESTINATION = IPV4_BYTES + 2;
    private static final int TCP_FLAGS = IPV4_BYTES + 13;
    private static final int TCP_CHECKSUM = IPV4_BYTES + 16;
    private static final int SYN_ACK = 0x12;
    private static final int SYN = 0x02;
    private static final int MORE_OR_OFFSET = 0x3fff;
    private static final int ETHERTYPE_IPV4 = 0x0800;
    private static final int PORT_KEY_MASK = 0xffff;

    private final Tun tun;
    private final long mac;
    private final Epoll wakeups = Epoll.create();
    private final int[] wakeDescriptors = {wakeups.fd()};
    private final Mapping scratch = Mapping.anonymous(PacketBatch.STRIDE);
    private final ServiceFlows flows = new ServiceFlows();
    private final PortDrops drops = new PortDrops();
    private boolean failed;
    private boolean drained = true;

    /**
     * Attaches to the interface, which exists already.
     *
     * @throws SysException ENOENT without the namespace, ENODEV without the interface, EBUSY when
     *     somebody else has it open
     */
    public static ServicePort open(Entity.Kind.Service service) {
        return new ServicePort(
                Tun.attach(service.namespace(), service.interfaceName()), service.mac());
    }

    private ServicePort(Tun tun, long mac) {
        this.tun = tun;
        this.mac = mac;
        wakeups.add(tun.fd(), Epoll.READABLE);
    }

    // ---------------------------------------------------------------- guest to service

    /** A service has no client without a logical port. */
    @Override
    public boolean transmit(long address, int lengthBytes) {
        drops.add(DropReason.SERVICE_UNSUPPORTED);
        return true;
    }

    @Override
    public boolean transmit(long address, int lengthBytes, long inPort) {
        if (failed) {
            return false;
        }
        int length = lengthBytes - ETHERNET_BYTES;
        if (length < MIN_PACKET
                || Memory.readShortNetwork(address + 12) != ETHERTYPE_IPV4
                || length > PacketBatch.MAX_PACKET) {
            drops.add(DropReason.SERVICE_UNSUPPORTED);
            return true;
        }
        long packet = scratch.address();
        Memory.copy(address + ETHERNET_BYTES, packet, length);
        int total = Memory.readShortNetwork(packet + IP_TOTAL_LENGTH);
        if (!supported(packet, total, length)) {
            drops.add(DropReason.SERVICE_UNSUPPORTED);
            return true;
        }
        int portKey = (int) inPort & PORT_KEY_MASK;
        int source = Memory.readIntNetwork(packet + IP_SOURCE);
        if (!remember(packet, address, portKey, source)) {
            drops.add(DropReason.SERVICE_UNKNOWN_FLOW);
            return true;
        }
        rewrite(packet, IP_SOURCE, source, CLIENTS | portKey);
        return write(packet, total);
    }

    private boolean write(long packet, int length) {
        try {
            return tun.write(packet, length);
        } catch (SysException e) {
            fail(e);
            return false;
        }
    }

    /** Whether this is all of an unfragmented IPv4 packet without options that carries TCP. */
    private static boolean supported(long packet, int total, int available) {
        return total >= MIN_PACKET
                && total <= available
                && Memory.readByte(packet) == IP_FIRST_BYTE
                && (Memory.readShortNetwork(packet + IP_FRAGMENT) & MORE_OR_OFFSET) == 0
                && Memory.readByte(packet + IP_PROTOCOL) == IpProtocol.TCP;
    }

    /**
     * @return false for a packet of a connection that belongs to another address or to nobody
     */
    private boolean remember(long packet, long frame, int portKey, int source) {
        int tcpPort = Memory.readShortNetwork(packet + TCP_SOURCE);
        if ((Memory.readByte(packet + TCP_FLAGS) & SYN_ACK) == SYN) {
            flows.put(portKey, tcpPort, source, Memory.readLongNetwork(frame + 6) >>> 16);
            return true;
        }
        int flow = flows.find(portKey, tcpPort);
        if (flow < 0) {
            // The engine was restarted: connections that were open go on.
            flows.put(portKey, tcpPort, source, Memory.readLongNetwork(frame + 6) >>> 16);
            return true;
        }
        return flows.address(flow) == source;
    }

    // ---------------------------------------------------------------- service to guest

    @Override
    public int receive(PacketBatch batch) {
        int before = batch.count;
        // Packets that go nowhere take no slot, so reads are bounded beside the slots.
        for (int left = PacketBatch.CAPACITY - batch.count; left > 0 && !failed; left--) {
            long frame = batch.address(batch.count);
            int length = read(frame + ETHERNET_BYTES);
            if (length < 0) {
                drained = true;
                break;
            }
            drained = false;
            if (reply(frame, length)) {
                batch.length[batch.count++] = ETHERNET_BYTES + length;
            }
        }
        return batch.count - before;
    }

    private int read(long address) {
        try {
            return tun.read(address, PacketBatch.MAX_PACKET - ETHERNET_BYTES);
        } catch (SysException e) {
            fail(e);
            return -1;
        }
    }

    private boolean reply(long frame, int length) {
        long packet = frame + ETHERNET_BYTES;
        if (length < MIN_PACKET
                || !supported(packet, Memory.readShortNetwork(packet + IP_TOTAL_LENGTH), length)) {
            drops.add(DropReason.SERVICE_UNSUPPORTED);
            return false;
        }
        int destination = Memory.readIntNetwork(packet + IP_DESTINATION);
        int flow =
                (destination & CLIENTS_MASK) == CLIENTS
                        ? flows.find(
                                destination & PORT_KEY_MASK,
                                Memory.readShortNetwork(packet + TCP_DESTINATION))
                        : -1;
        if (flow < 0) {
            drops.add(DropReason.SERVICE_UNKNOWN_FLOW);
            return false;
        }
        rewrite(packet, IP_DESTINATION, destination, flows.address(flow));
        // Both addresses in one step each: 8 bytes of which the next field overwrites two.
        Memory.writeLongNetwork(frame, flows.mac(flow) << 16);
        Memory.writeLongNetwork(frame + 6, mac << 16 | ETHERTYPE_IPV4);
        return true;
    }

    /** Replaces an address and corrects both checksums that cover it. */
    private static void rewrite(long packet, int field, int from, int to) {
        Memory.writeIntNetwork(packet + field, to);
        adjust(packet + IP_CHECKSUM, from, to);
        adjust(packet + TCP_CHECKSUM, from, to);
    }

    private static void adjust(long checksum, int from, int to) {
        int half = Checksum.replace(Memory.readShortNetwork(checksum), from >>> 16, to >>> 16);
        Memory.writeShortNetwork(checksum, Checksum.replace(half, from & 0xffff, to & 0xffff));
    }

    // ---------------------------------------------------------------- port

    /** The interface is gone; the port stays down until the agent makes it anew. */
    private void fail(SysException e) {
        failed = true;
        wakeups.remove(tun.fd());
        LOG.log(Level.WARNING, () -> tun + " is gone: " + e.getMessage());
    }

    @Override
    public void flush() {
        // Every packet was written at once.
    }

    @Override
    public boolean up() {
        return !failed;
    }

    @Override
    public int[] wakeDescriptors() {
        return wakeDescriptors;
    }

    @Override
    public boolean armWakeup() {
        return drained || failed;
    }

    @Override
    public void disarmWakeup() {
        // The interface is readable exactly while it has packets.
    }

    @Override
    public long drops(DropReason reason) {
        return drops.count(reason);
    }

    @Override
    public void close() {
        wakeups.close();
        tun.close();
        scratch.close();
    }
}
