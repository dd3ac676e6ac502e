package dev.iod.block;

import dev.iod.sys.Memory;
import dev.iod.vhost.testing.BlockDriver;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;

/**
 * Random writes and flushes whose every block carries a stamp (its number, which write it was, and
 * what follows from both in every word), and the model of what must be there after a crash. At most
 * one write of a block is under way at a time. One thread.
 */
final class StampedLoad {
    private static final int MAX_BLOCKS_PER_WRITE = 4;
    private static final int FLUSH = -1;
    private static final int IDLE = -2;

    private final Random random;
    private final int blockBytes;
    private final int words;
    private final int blocks;

    /** Per block: the last write that was issued, answered, and covered by an answered flush. */
    private final long[] issued;

    private final long[] answered;
    private final long[] durable;
    private final boolean[] busy;
    private long sequence;

    /**
     * Per slot: first block of its write, FLUSH or IDLE; and the flush's view of what it covers.
     */
    private final int[] slotBlock;

    private final int[] slotCount;
    private final long[][] covers;
    int writesAnswered;
    int flushesAnswered;
    int errors;

    StampedLoad(long seed, int blocks, int slots) {
        this(seed, 4096, blocks, slots);
    }

    /**
     * @param blockBytes what carries a stamp and is to be untorn: 512 or 4096
     */
    StampedLoad(long seed, int blockBytes, int blocks, int slots) {
        random = new Random(seed);
        this.blockBytes = blockBytes;
        words = blockBytes / 8;
        this.blocks = blocks;
        issued = new long[blocks];
        answered = new long[blocks];
        durable = new long[blocks];
        busy = new boolean[blocks];
        slotBlock = new int[slots];
        slotCount = new int[slots];
        covers = new long[slots][];
        java.util.Arrays.fill(slotBlock, IDLE);
    }

    static long word(int block, long sequence, int index) {
        long x = block * 0x9e3779b97f4a7c15L + sequence * 0xc2b2ae3d27d4eb4fL + index;
        x ^= x >>> 29;
        x *= 0xbf58476d1ce4e5b9L;
        return x ^ x >>> 32;
    }

    /** Fills all idle slots, offers them, and takes what is answered. */
    void step(BlockDriver driver, boolean offerMore) {
        boolean any = false;
        for (int slot = 0; offerMore && slot < slotBlock.length; slot++) {
            if (slotBlock[slot] == IDLE) {
                any |= offer(driver, slot);
            }
        }
        if (any) {
            driver.kick();
        }
        while (driver.hasAnswer()) {
            int slot = driver.take();
            if (slotBlock[slot] == IDLE) {
                throw new AssertionError("slot " + slot + " was answered twice");
            }
            answer(slot, driver.status(slot));
        }
    }

    /** Steps until something holds; a minute without it is a failure. */
    void until(BlockDriver driver, boolean offerMore, BooleanSupplier holds) {
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (!holds.getAsBoolean()) {
            step(driver, offerMore);
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError(
                        "stuck with "
                                + driver.ring().outstanding()
                                + " requests outstanding; the guest: "
                                + this);
            }
        }
    }

    @Override
    public String toString() {
        int busyBlocks = 0;
        for (boolean each : busy) {
            busyBlocks += each ? 1 : 0;
        }
        return writesAnswered
                + " writes and "
                + flushesAnswered
                + " flushes answered, "
                + errors
                + " errors, "
                + busyBlocks
                + " blocks being written, slots "
                + java.util.Arrays.toString(slotBlock);
    }

    boolean quiet() {
        for (int block : slotBlock) {
            if (block != IDLE) {
                return false;
            }
        }
        return true;
    }

    private boolean offer(BlockDriver driver, int slot) {
        if (random.nextInt(12) == 0) {
            slotBlock[slot] = FLUSH;
            covers[slot] = answered.clone();
            driver.flush(slot);
            return true;
        }
        int count = 1 + random.nextInt(MAX_BLOCKS_PER_WRITE);
        int first = random.nextInt(blocks - count + 1);
        for (int i = 0; i < count; i++) {
            if (busy[first + i]) {
                return false;
            }
        }
        for (int i = 0; i < count; i++) {
            int block = first + i;
            busy[block] = true;
            issued[block] = ++sequence;
            long at = driver.data(slot) + (long) i * blockBytes;
            Memory.writeLong(at, block);
            Memory.writeLong(at + 8, sequence);
            for (int word = 2; word < words; word++) {
                Memory.writeLong(at + 8L * word, word(block, sequence, word));
            }
        }
        slotBlock[slot] = first;
        slotCount[slot] = count;
        driver.write(slot, (long) first * blockBytes, count * blockBytes);
        return true;
    }

    private void answer(int slot, int status) {
        int block = slotBlock[slot];
        slotBlock[slot] = IDLE;
        boolean ok = status == BlockDriver.OK;
        if (!ok) {
            errors++;
        }
        if (block == FLUSH) {
            if (ok) {
                flushesAnswered++;
                for (int i = 0; i < blocks; i++) {
                    durable[i] = Math.max(durable[i], covers[slot][i]);
                }
            }
            return;
        }
        for (int i = block; i < block + slotCount[slot]; i++) {
            busy[i] = false;
            if (ok) {
                answered[i] = issued[i];
            }
        }
        if (ok) {
            writesAnswered++;
        }
    }

    /** What is not as it must be after the power was cut: older than durable, torn, or foreign. */
    List<String> lostAfterPowerCut(Guest guest) {
        return check(guest, durable);
    }

    /** What is not as it must be after the engine was killed: whatever was answered is there. */
    List<String> lostAfterKill(Guest guest) {
        return check(guest, answered);
    }

    private List<String> check(Guest guest, long[] atLeast) {
        List<String> wrong = new ArrayList<>();
        for (int block = 0; block < blocks; block++) {
            byte[] bytes = guest.read((long) block * blockBytes, blockBytes);
            String problem = problem(block, bytes, atLeast[block]);
            if (!problem.isEmpty()) {
                wrong.add("block " + block + ": " + problem);
            }
        }
        return wrong;
    }

    private String problem(int block, byte[] bytes, long atLeast) {
        var stamp = java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        long found = stamp.getLong(8);
        if (found == 0 && stamp.getLong(0) == 0) {
            for (byte b : bytes) {
                if (b != 0) {
                    return "torn at its start";
                }
            }
            return atLeast == 0 ? "" : "empty, but write " + atLeast + " was promised";
        }
        if (stamp.getLong(0) != block || found < atLeast || found > issued[block]) {
            return "holds write " + found + ", promised " + atLeast + ", last " + issued[block];
        }
        for (int word = 2; word < words; word++) {
            if (stamp.getLong(8 * word) != word(block, found, word)) {
                return "write " + found + " is torn at word " + word;
            }
        }
        return "";
    }
}
