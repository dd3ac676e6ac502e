package dev.iod.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The fast accessors and their checked twin do the same on seeded random input. */
class MemoryTest {
    private static final long SEED = 20261122;
    private static final int BYTES = 8192;
    private final Mapping left = Mapping.anonymous(BYTES);
    private final Mapping right = Mapping.anonymous(BYTES);

    @BeforeEach
    void registerForTheTwin() {
        if (!Memory.CHECKED) {
            CheckedMemory.register(left.address(), BYTES);
            CheckedMemory.register(right.address(), BYTES);
        }
    }

    @AfterEach
    void release() {
        if (!Memory.CHECKED) {
            CheckedMemory.unregister(left.address());
            CheckedMemory.unregister(right.address());
        }
        left.close();
        right.close();
    }

    @Test
    void twinsAgreeOnRandomAccesses() {
        Random random = new Random(SEED);
        for (int i = 0; i < 200_000; i++) {
            step(random);
        }
        byte[] a = new byte[BYTES];
        byte[] b = new byte[BYTES];
        Memory.copyToArray(left.address(), a, 0, BYTES);
        Memory.copyToArray(right.address(), b, 0, BYTES);
        assertThat(a).as("seed %d", SEED).isEqualTo(b);
    }

    private void step(Random random) {
        int offset = random.nextInt(BYTES - 8);
        long value = random.nextLong();
        long fast = Memory.base(left.address()) + offset;
        long checked = right.address() + offset;
        switch (random.nextInt(9)) {
            case 0 -> {
                Memory.writeByte(fast, (int) value);
                CheckedMemory.writeByte(checked, (int) value);
            }
            case 1 -> {
                Memory.writeShort(fast, (int) value);
                CheckedMemory.writeShort(checked, (int) value);
            }
            case 2 -> {
                Memory.writeInt(fast, (int) value);
                CheckedMemory.writeInt(checked, (int) value);
            }
            case 3 -> {
                Memory.writeLong(fast, value);
                CheckedMemory.writeLong(checked, value);
            }
            case 4 -> assertThat(Memory.readByte(fast)).isEqualTo(CheckedMemory.readByte(checked));
            case 5 ->
                    assertThat(Memory.readShort(fast)).isEqualTo(CheckedMemory.readShort(checked));
            case 6 -> assertThat(Memory.readInt(fast)).isEqualTo(CheckedMemory.readInt(checked));
            case 7 -> assertThat(Memory.readLong(fast)).isEqualTo(CheckedMemory.readLong(checked));
            case 8 -> {
                int half = BYTES / 2;
                int length = random.nextInt(400);
                int from = random.nextInt(half - length);
                int to = half + random.nextInt(half - length);
                Memory.copy(left.address() + from, left.address() + to, length);
                CheckedMemory.copy(right.address() + from, right.address() + to, length);
            }
            default -> throw new AssertionError();
        }
    }

    @Test
    void networkOrderIsBigEndian() {
        Memory.writeIntNetwork(left.address(), 0x01020304);
        assertThat(Memory.readByte(left.address())).isEqualTo(1);
        assertThat(Memory.readShortNetwork(left.address() + 2)).isEqualTo(0x0304);
        Memory.writeLongNetwork(left.address(), 0x1122334455667788L);
        assertThat(Memory.readLongNetwork(left.address())).isEqualTo(0x1122334455667788L);
        assertThat(Memory.readByte(left.address())).isEqualTo(0x11);
    }

    @Test
    void orderedAccessesReadBackUnsigned() {
        Memory.writeShortRelease(left.address(), 0xfffe);
        assertThat(Memory.readShortAcquire(left.address())).isEqualTo(0xfffe);
        Memory.writeIntRelease(left.address() + 4, -5);
        assertThat(Memory.readIntAcquire(left.address() + 4)).isEqualTo(-5);
        Memory.writeLongRelease(left.address() + 8, -7);
        assertThat(Memory.readLongAcquire(left.address() + 8)).isEqualTo(-7);
    }

    @Test
    void checkedTwinRefusesWhatLeavesItsRegion() {
        long end = left.address() + BYTES;
        assertThatThrownBy(() -> CheckedMemory.readLong(end - 7))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("in no region");
        assertThatThrownBy(() -> CheckedMemory.writeByte(16, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(CheckedMemory.covers(left.address(), BYTES)).isTrue();
        assertThat(CheckedMemory.covers(left.address(), -1)).isFalse();
    }

    @Test
    void fillSetsAllBytesAndNoMore() {
        Memory.fill(left.address(), 100, 0x5a);
        assertThat(Memory.readByte(left.address() + 99)).isEqualTo(0x5a);
        assertThat(Memory.readByte(left.address() + 100)).isZero();
    }
}
