package dev.iod.eswitch.ports;

import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.pipeline.DropReason;
import dev.iod.sys.AfXdp;
import dev.iod.sys.Bpf;
import dev.iod.sys.Linux;
import dev.iod.sys.Memory;
import dev.iod.sys.RtNetlink;
import dev.iod.sys.SysException;

/**
 * An AF_XDP socket on an interface of this network namespace: receives the frames a program picks
 * and sends whole frames. Everything else on the interface stays with the kernel. Frames come from
 * receive queue 0; on interfaces with more queues those of the others stay with the kernel too.
 */
public final class XdpPort implements Port {
    private static final int MIN_FRAME_BYTES = 14;

    private final AfXdp socket;
    private final int link;
    private final int maxFrameBytes;
    private final int[] wakeDescriptors;
    private final PortDrops drops = new PortDrops();
    private boolean pending;

    /** Which of the frames of an interface the port receives. */
    public interface Program {
        /**
         * The instructions of an XDP program that redirects them.
         *
         * @param socketMap descriptor of the map that holds the port's socket, by receive queue
         */
        long[] assemble(int socketMap);
    }

    /**
     * Attaches to an interface.
     *
     * @throws SysException when the interface does not exist, another program is attached to it
     *     (EBUSY), or the process may not (EPERM)
     */
    public static XdpPort open(String interfaceName, Program program) {
        try (RtNetlink netlink = RtNetlink.open()) {
            RtNetlink.Link link =
                    netlink.link(interfaceName)
                            .orElseThrow(
                                    () ->
                                            new SysException(
                                                    "there is no interface "
                                                            + interfaceName
                                                            + " in this network namespace",
                                                    0));
            return new XdpPort(link, program);
        }
    }

    private XdpPort(RtNetlink.Link link, Program program) {
        socket = new AfXdp(AfXdp.Options.forMtu(link.index(), link.mtuBytes()));
        maxFrameBytes = link.mtuBytes() + MIN_FRAME_BYTES;
        try {
            this.link = attach(link.index(), program);
        } catch (SysException e) {
            socket.close();
            throw e;
        }
        wakeDescriptors = new int[] {socket.fd()};
    }

    /** The link keeps the program and the program keeps the map, so only the link stays open. */
    private int attach(int interfaceIndex, Program program) {
        int map = Bpf.createSocketMap(1);
        try {
            Bpf.putSocket(map, 0, socket.fd());
            int loaded = Bpf.loadXdp(program.assemble(map));
            try {
                return Bpf.attachXdp(loaded, interfaceIndex);
            } finally {
                Linux.close(loaded);
            }
        } finally {
            Linux.close(map);
        }
    }

    @Override
    public int receive(PacketBatch batch) {
        int count = Math.min(socket.receivable(), PacketBatch.CAPACITY - batch.count);
        if (count == 0) {
            return 0;
        }
        int before = batch.count;
        for (int i = 0; i < count; i++) {
            int length = socket.receivedLength(i);
            if (length < MIN_FRAME_BYTES || length > PacketBatch.MAX_PACKET) {
                drops.add(DropReason.FRAME_LENGTH);
                continue;
            }
            Memory.copy(socket.receivedAddress(i), batch.address(batch.count), length);
            batch.length[batch.count++] = length;
        }
        socket.release(count);
        return batch.count - before;
    }

    @Override
    public boolean transmit(long address, int lengthBytes) {
        if (lengthBytes > maxFrameBytes || !socket.transmit(address, lengthBytes)) {
            return false;
        }
        pending = true;
        return true;
    }

    @Override
    public void flush() {
        if (pending) {
            // What the kernel does not take now is sent with the next flush.
            pending = !socket.flush();
        }
    }

    @Override
    public boolean up() {
        return true;
    }

    @Override
    public int[] wakeDescriptors() {
        return wakeDescriptors;
    }

    @Override
    public boolean armWakeup() {
        flush();
        // Frames the kernel refuses (interface down) wait; they are no reason to stay awake.
        return socket.receivable() == 0;
    }

    @Override
    public void disarmWakeup() {
        // The socket is readable exactly while its receive ring holds packets.
    }

    @Override
    public long drops(DropReason reason) {
        return reason == DropReason.UPLINK_OVERRUN ? socket.dropped() : drops.count(reason);
    }

    @Override
    public void close() {
        Linux.close(link);
        socket.close();
    }
}
