package dev.iod.vhost;

import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import dev.iod.sys.SysException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * The memory file that tracks what is in flight (GET_INFLIGHT_FD, SET_INFLIGHT_FD). The front end
 * keeps it and gives it to the next process. Control side only.
 */
final class InflightFile implements AutoCloseable {
    private static final int MAX_QUEUE = 32768;

    private final DeviceType type;
    private final boolean requireSealed;
    private Optional<Mapping> mapping = Optional.empty();
    private long base;
    private int queues;
    private int queueSize;
    private boolean mayFault;

    InflightFile(DeviceType type, boolean requireSealed) {
        this.type = type;
        this.requireSealed = requireSealed;
    }

    /** Makes a file and sends it; this side keeps nothing of it. */
    void create(MessageChannel to, Message message) {
        ByteBuffer payload = message.payload();
        int wantedQueues = payload.getShort(16) & 0xffff;
        int wantedSize = payload.getShort(18) & 0xffff;
        check(wantedQueues, wantedSize);
        long bytes = wantedQueues * InflightRegion.bytes(wantedSize);
        int fd = Linux.memfd("inflight", bytes);
        try {
            Linux.seal(fd, Linux.F_SEAL_SHRINK | Linux.F_SEAL_GROW | Linux.F_SEAL_SEAL);
            payload.putLong(0, bytes).putLong(8, 0);
            to.reply(message.request(), payload.array(), fd);
        } finally {
            Linux.close(fd);
        }
    }

    /** Uses a file from now on; no ring is live. */
    void adopt(Message message) {
        close();
        ByteBuffer payload = message.payload();
        long bytes = payload.getLong(0);
        long offset = payload.getLong(8);
        int wantedQueues = payload.getShort(16) & 0xffff;
        int wantedSize = payload.getShort(18) & 0xffff;
        check(wantedQueues, wantedSize);
        int fd = message.takeDescriptor();
        try {
            boolean sealed = (Linux.seals(fd) & Linux.F_SEAL_SHRINK) != 0;
            if (requireSealed && !sealed) {
                throw bad("the in-flight file is not sealed against shrinking");
            }
            long needed = wantedQueues * InflightRegion.bytes(wantedSize);
            if (bytes < needed
                    || offset < 0
                    || offset % Linux.PAGE_BYTES != 0
                    || offset + bytes < 0
                    || offset + bytes > Linux.size(fd)) {
                throw bad("an in-flight file of " + bytes + " bytes from " + offset);
            }
            Mapping mapped = Mapping.shared(fd, offset, needed);
            mapping = Optional.of(mapped);
            base = mapped.address();
            queues = wantedQueues;
            queueSize = wantedSize;
            mayFault = !sealed || Linux.isHugePages(fd);
        } catch (SysException e) {
            throw bad(String.valueOf(e.getMessage()));
        } finally {
            Linux.close(fd);
        }
    }

    private void check(int wantedQueues, int wantedSize) {
        if (wantedQueues < 1
                || wantedQueues > type.rings()
                || wantedSize < 1
                || wantedSize > MAX_QUEUE) {
            throw bad(wantedQueues + " queues of " + wantedSize + " requests in flight");
        }
    }

    /** The part of one ring; empty when the front end tracks nothing. */
    Optional<InflightRegion> region(int index, int size) {
        if (mapping.isEmpty()) {
            return Optional.empty();
        }
        if (index >= queues || size > queueSize) {
            throw bad("ring " + index + " of " + size + " entries is not in the in-flight file");
        }
        return Optional.of(
                new InflightRegion(base + index * InflightRegion.bytes(queueSize), size));
    }

    /** Whether the file can be truncated by its owner. */
    boolean mayFault() {
        return mapping.isPresent() && mayFault;
    }

    @Override
    public void close() {
        mapping.ifPresent(Mapping::close);
        mapping = Optional.empty();
    }

    private static VhostException bad(String what) {
        return new VhostException(VhostException.Category.PROTOCOL, what);
    }
}
