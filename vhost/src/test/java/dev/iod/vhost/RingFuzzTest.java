package dev.iod.vhost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Ring contents of every kind, straight into the two kinds of ring: each chain is used or refused
 * as a violation, nothing else happens, and no buffer handed on lies outside of guest memory.
 * {@code -Diod.memory=checked} proves the same for every access.
 */
@Timeout(600)
class RingFuzzTest {
    private static final long SEED = Long.getLong("seed", 9);
    private static final int CASES = Boolean.getBoolean("iod.full") ? 2_000_000 : 40_000;
    private static final int BYTES = 1 << 16;
    private static final long BASE = 0x10_0000;
    private static final int TABLES = 16384;
    private static final int CHAIN = 32;
    private static final int NEXT = 1;
    private static final int WRITE = 2;
    private static final int INDIRECT = 4;

    private int memfd;
    private Mapping guest;
    private GuestMemory memory;
    private Mapping scratch;
    private SplittableRandom random;
    private int size;
    private long used;

    @BeforeEach
    void start() {
        System.out.println("seed " + SEED);
        random = new SplittableRandom(SEED);
        memfd = Linux.memfd("guest", BYTES);
        Linux.seal(memfd, Linux.F_SEAL_SHRINK);
        guest = Mapping.shared(memfd, 0, BYTES);
        scratch = Mapping.anonymous(BYTES);
        ByteBuffer table = ByteBuffer.allocate(8 + 64).order(ByteOrder.LITTLE_ENDIAN);
        table.putInt(0, 2);
        region(table, 8, 0);
        region(table, 40, BYTES / 2);
        memory = GuestMemory.map(table, List.of(memfd, memfd), true);
    }

    /** Half of the file; the halves are neighbours for the guest and not here. */
    private static void region(ByteBuffer table, int at, long offset) {
        table.putLong(at, BASE + offset);
        table.putLong(at + 8, BYTES / 2);
        table.putLong(at + 16, offset);
        table.putLong(at + 24, offset);
    }

    @AfterEach
    void stop() {
        memory.close();
        scratch.close();
        guest.close();
        Linux.close(memfd);
    }

    /** Writes a ring whose descriptors and indirect tables are mostly plausible. */
    private void scribble() {
        size = 1 << random.nextInt(6);
        used = 16L * size + 6 + 2L * size + 63 & -64;
        for (int i = 0; i < size; i++) {
            describe(guest.address() + 16L * i, size, i % 4);
        }
        for (int i = 0; i < 64; i++) {
            describe(guest.address() + TABLES + 16L * i, 16, 4);
        }
        long avail = guest.address() + 16L * size;
        int ahead = random.nextInt(20) == 0 ? random.nextInt(65536) : random.nextInt(size + 1);
        for (int i = 0; i < size; i++) {
            int head = random.nextInt(40) == 0 ? random.nextInt(65536) : random.nextInt(size);
            Memory.writeShort(avail + 4 + 2L * i, head);
        }
        Memory.writeShort(avail, random.nextInt(2));
        Memory.writeShort(avail + 2, ahead);
        Memory.writeShort(guest.address() + used + 2, 0);
    }

    /** At the start of the guest's memory: descriptors, available ring, and the used ring. */
    private SplitRing.Layout layout(int entries, long usedOffset, boolean eventIndex) {
        long ring = guest.address();
        return new SplitRing.Layout(
                entries, ring, ring + 16L * entries, ring + usedOffset, eventIndex);
    }

    private void describe(long at, int entries, int kind) {
        long address = BASE + random.nextInt(BYTES - 2048);
        int length = random.nextInt(1500);
        int flags = kind == 1 || kind == 4 && random.nextInt(3) == 0 ? WRITE : 0;
        flags |= random.nextInt(3) == 0 ? NEXT : 0;
        if (kind == 2) {
            flags = INDIRECT;
            address = BASE + TABLES + 16L * random.nextInt(32);
            length = 16 * random.nextInt(1, 16);
        }
        switch (random.nextInt(60)) {
            case 0 -> address = random.nextLong();
            case 1 -> length = random.nextInt();
            case 2 -> flags = random.nextInt(65536);
            case 3 -> address = BASE + BYTES - random.nextInt(64);
            case 4 -> address = BASE + BYTES / 2 - random.nextInt(64);
            case 5 -> length = 0;
            default -> {}
        }
        int next = random.nextInt(60) == 0 ? random.nextInt(65536) : random.nextInt(entries);
        Memory.writeLong(at, address);
        Memory.writeLong(at + 8, length & 0xffff_ffffL | (long) flags << 32 | (long) next << 48);
    }

    /** Wherever the front end cuts a buffer, what is read is what lies behind the bytes skipped. */
    @Test
    void readsWhatLiesBehindTheSkippedBytes() {
        long ring = guest.address();
        for (int i = 0; i < 1000; i++) {
            int pieces = random.nextInt(1, 5);
            StringBuilder content = new StringBuilder();
            for (int piece = 0; piece < pieces; piece++) {
                int length = random.nextInt(20);
                int at = TABLES + 64 * piece + random.nextInt(16);
                for (int b = 0; b < length; b++) {
                    content.append((char) ('a' + random.nextInt(26)));
                    Memory.writeByte(ring + at + b, content.charAt(content.length() - 1));
                }
                long flags = piece + 1 < pieces ? NEXT : 0;
                Memory.writeLong(ring + 16L * piece, BASE + at);
                Memory.writeLong(ring + 16L * piece + 8, length | flags << 32 | (piece + 1L) << 48);
            }
            Memory.writeLong(ring + 128, 1L << 16); // available: chain 0
            Vring vring = new Vring(memory, layout(8, 192, false), 0, -1);
            int skip = random.nextInt(16);
            int capacity = random.nextInt(64);
            vring.touchContents(vring.available(), skip);
            int length = vring.read(vring.peek(), skip, scratch.address(), capacity);
            assertThat(length).isEqualTo(content.length() - skip);
            byte[] got = new byte[Math.max(0, Math.min(length, capacity))];
            Memory.copyToArray(scratch.address(), got, 0, got.length);
            assertThat(new String(got, StandardCharsets.US_ASCII))
                    .isEqualTo(
                            content.substring(Math.min(skip, content.length()))
                                    .substring(0, got.length));
        }
    }

    @Test
    void noBytesAreInNoRegionEither() {
        assertThatThrownBy(() -> memory.translate(0, 0))
                .isInstanceOf(VhostException.class)
                .hasMessageContaining("are no memory");
        assertThat(memory.translate(BASE, 0)).isNotZero();
        assertThatThrownBy(() -> memory.translate(0, 0)).isInstanceOf(VhostException.class);
    }

    @Test
    void ringsThatAreReadAndWritten() {
        int good = 0;
        int refused = 0;
        long touched = 0;
        for (int i = 0; i < CASES; i++) {
            scribble();
            Vring vring = new Vring(memory, layout(size, used, false), 0, -1);
            try {
                vring.adopt();
                int left = vring.available();
                touched += i % 2 == 0 ? vring.touchContents(left, i % 30) : vring.touch(left);
                for (; left > 0; left--) {
                    int head = vring.peek();
                    int length;
                    if (i % 2 == 0) {
                        length = vring.read(head, i % 30, scratch.address(), 2000);
                        assertThat(vring.walked()).isBetween(1, size);
                    } else {
                        length = vring.write(head, scratch.address(), 12, scratch.address(), 1000);
                    }
                    vring.complete(head, Math.max(0, length));
                    good++;
                }
                vring.publish();
                vring.interrupt();
                vring.requestKicks();
            } catch (VhostException e) {
                assertThat(e.category()).isEqualTo(VhostException.Category.RING);
                refused++;
            }
        }
        System.out.println(CASES + " rings: " + good + " chains taken, " + refused + " refused");
        assertThat(touched).isNotZero();
        assertThat(good).isGreaterThan(CASES / 10);
        assertThat(refused).isGreaterThan(CASES / 10);
    }

    @Test
    void ringsWithIndirectTables() {
        Chain chain = new Chain(scratch.address(), CHAIN);
        int good = 0;
        int odd = 0;
        int refused = 0;
        for (int i = 0; i < CASES; i++) {
            scribble();
            RequestRing requests =
                    new RequestRing(
                            memory,
                            layout(size, used, random.nextBoolean()),
                            0,
                            -1,
                            Optional.empty());
            try {
                requests.adopt();
                for (int head = requests.take(); head != RequestRing.NONE; ) {
                    requests.chain(head, chain);
                    for (int buffer = 0; buffer < chain.count(); buffer++) {
                        checkInside(chain, buffer);
                    }
                    requests.complete(head, 0);
                    good += chain.sound() ? 1 : 0;
                    odd += chain.sound() ? 0 : 1;
                    head = requests.take();
                }
                requests.publish();
                requests.interrupt();
                requests.requestKicks();
            } catch (VhostException e) {
                assertThat(e.category()).isEqualTo(VhostException.Category.RING);
                refused++;
            }
        }
        System.out.printf(
                "%d rings: %d requests sound, %d not, %d refused%n", CASES, good, odd, refused);
        assertThat(odd).isGreaterThan(CASES / 100);
        assertThat(good).isGreaterThan(CASES / 10);
        assertThat(refused).isGreaterThan(CASES / 10);
    }

    @Test
    void aBufferInVeryManyPiecesIsRefused() {
        size = 128;
        used = 4096;
        long ring = guest.address();
        for (int i = 0; i < size; i++) {
            Memory.writeLong(ring + 16L * i, BASE + TABLES);
            long next = (i + 1) % size;
            Memory.writeLong(ring + 16L * i + 8, 1 | (long) (WRITE | NEXT) << 32 | next << 48);
        }
        Vring vring = new Vring(memory, layout(size, used, false), 0, -1);
        assertThat(vring.write(0, scratch.address(), 12, scratch.address(), 52)).isEqualTo(64);
        assertThatThrownBy(() -> vring.write(0, scratch.address(), 12, scratch.address(), 53))
                .isInstanceOf(VhostException.class)
                .hasMessageContaining("more pieces than 64");
    }

    /** A buffer is in one of the two regions, which are somewhere in this process. */
    private void checkInside(Chain chain, int buffer) {
        long address = Memory.readLong(chain.vector(buffer));
        long length = Memory.readLong(chain.vector(buffer) + 8);
        long first = memory.translateUser(0, BYTES / 2, 1, "first");
        long second = memory.translateUser(BYTES / 2, BYTES / 2, 1, "second");
        boolean inFirst = address >= first && address + length <= first + BYTES / 2;
        boolean inSecond = address >= second && address + length <= second + BYTES / 2;
        assertThat(inFirst || inSecond).isTrue();
    }
}
