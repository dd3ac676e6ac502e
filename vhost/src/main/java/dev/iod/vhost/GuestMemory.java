package dev.iod.vhost;

import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.sys.SysException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The guest memory of one SET_MEM_TABLE, mapped. Made and closed by the control side; {@link
 * #translate} belongs to the engine thread. A buffer never spans two regions: guests allocate
 * within one memory block, and a chain has one descriptor per piece.
 */
final class GuestMemory implements AutoCloseable {
    /** VHOST_USER limit without CONFIGURE_MEM_SLOTS. */
    static final int MAX_REGIONS = 8;

    /** Most bytes of files one table may have us map: address space is shared by all devices. */
    static final long MAX_BYTES = 1L << 42;

    static final GuestMemory NONE = new GuestMemory(List.of(), false);

    /** One region: guest-physical start, front-end virtual start, where it is mapped here. */
    private record Region(long guest, long user, long size, Mapping mapping, long host) {}

    private final List<Region> regions;
    private final boolean mayFault;

    /** Last region that matched; engine thread only. */
    private long cachedGuest;

    /** -1 until there is one: not even no bytes are in it. */
    private long cachedSize = -1;

    private long cachedHost;

    private GuestMemory(List<Region> regions, boolean mayFault) {
        this.regions = List.copyOf(regions);
        this.mayFault = mayFault;
    }

    /**
     * Maps a memory table.
     *
     * @param table payload of SET_MEM_TABLE
     * @param descriptors one per region; stay the caller's, who may close them afterwards
     * @param requireSealed refuse files that their owner can still shrink
     */
    static GuestMemory map(ByteBuffer table, List<Integer> descriptors, boolean requireSealed) {
        int count = table.getInt(0);
        if (count < 1 || count > MAX_REGIONS || table.capacity() != 8 + 32 * count) {
            throw bad("a table of " + count + " regions in " + table.capacity() + " bytes");
        }
        List<Region> regions = new ArrayList<>();
        boolean mayFault = false;
        long mapped = 0;
        try {
            for (int i = 0; i < count; i++) {
                int fd = descriptors.get(i);
                boolean regionSealed = (Linux.seals(fd) & Linux.F_SEAL_SHRINK) != 0;
                if (requireSealed && !regionSealed) {
                    throw bad(
                            "region "
                                    + i
                                    + " is not sealed against shrinking (QEMU: memory-backend-memfd"
                                    + " with seal=on)");
                }
                // Sealed or not, a huge page that was given back may not be there a second time.
                mayFault |= !regionSealed || Linux.isHugePages(fd);
                Region region = mapRegion(table, 8 + 32 * i, fd, MAX_BYTES - mapped, regions);
                mapped += region.mapping.lengthBytes();
                regions.add(region);
            }
            return new GuestMemory(regions, mayFault);
        } catch (VhostException e) {
            regions.forEach(r -> r.mapping.close());
            throw e;
        } catch (SysException e) {
            regions.forEach(r -> r.mapping.close());
            throw bad(String.valueOf(e.getMessage()));
        }
    }

    private static Region mapRegion(
            ByteBuffer table, int at, int fd, long limit, List<Region> others) {
        long guest = table.getLong(at);
        long size = table.getLong(at + 8);
        long user = table.getLong(at + 16);
        long offset = table.getLong(at + 24);
        // All four as signed numbers: half of the 64-bit space is more than any machine has.
        if (guest < 0
                || size <= 0
                || user < 0
                || offset < 0
                || guest + size < 0
                || user + size < 0
                || offset + size < 0) {
            throw bad("a region wraps around");
        }
        long fileBytes = Linux.size(fd);
        if (offset + size > fileBytes) {
            throw bad("a region ends at " + (offset + size) + " of a file of " + fileBytes);
        }
        if (offset + size > limit) {
            throw bad("a memory table maps more than " + MAX_BYTES + " bytes");
        }
        for (Region other : others) {
            if (guest < other.guest + other.size && other.guest < guest + size) {
                throw bad("two regions overlap in guest memory");
            }
        }
        // From offset 0 because files of huge pages only map at multiples of their page size, and
        // without MAP_POPULATE, which would commit all of the guest's memory.
        Mapping mapping = Mapping.shared(fd, 0, offset + size);
        return new Region(guest, user, size, mapping, mapping.address() + offset);
    }

    /** Whether a region can be truncated by its owner, so that access may raise InternalError. */
    boolean mayFault() {
        return mayFault;
    }

    /**
     * Where guest-physical bytes are here. Engine thread only.
     *
     * @param length 0 to 2^32-1
     */
    long translate(long guest, long length) {
        long offset = guest - cachedGuest;
        if (offset >= 0 && offset <= cachedSize - length) {
            return Memory.base(cachedHost + offset);
        }
        return translateSlow(guest, length);
    }

    /** Where bytes are here if that is known already, else 0: to load them early. */
    long peek(long guest, long length) {
        long offset = guest - cachedGuest;
        return offset >= 0 && offset <= cachedSize - length ? Memory.base(cachedHost + offset) : 0;
    }

    private long translateSlow(long guest, long length) {
        for (Region region : regions) {
            long offset = guest - region.guest;
            if (guest >= 0 && offset >= 0 && offset <= region.size - length) {
                cachedGuest = region.guest;
                cachedSize = region.size;
                cachedHost = region.host;
                return Memory.base(region.host + offset);
            }
        }
        throw new VhostException(
                VhostException.Category.RING,
                length + " bytes at guest address 0x" + Long.toHexString(guest) + " are no memory");
    }

    /** Where front-end virtual bytes are here. Control side only. */
    long translateUser(long user, long length, int alignment, String what) {
        for (Region region : regions) {
            long offset = user - region.user;
            if (user >= 0 && offset >= 0 && offset <= region.size - length) {
                long host = region.host + offset;
                if (host % alignment != 0) {
                    throw bad(what + " is not aligned to " + alignment + " bytes");
                }
                return host;
            }
        }
        throw bad(what + " at 0x" + Long.toHexString(user) + " is outside of the memory table");
    }

    @Override
    public void close() {
        regions.forEach(r -> r.mapping.close());
    }

    private static VhostException bad(String what) {
        return new VhostException(VhostException.Category.MEMORY, what);
    }
}
