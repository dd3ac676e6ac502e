package dev.iod.vhost.testing;

import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.sys.SysException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/**
 * A front end that mostly says what it should and then anything: random messages, payloads and
 * descriptors, many of them nearly right. Seeded; one thread.
 */
public final class MessageFuzz implements AutoCloseable {
    private static final int MOST_MESSAGES = 50;
    private static final int INFLIGHT_BYTES = 1 << 16;
    private static final int[] NUMBERS = {
        1, 2, 3, 4, 5, 5, 5, 8, 9, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 18, 39, 40, 6, 7, 19, 20,
        24, 31, 36, 37
    };

    /** What only a device with configuration space and in-flight tracking is told, more often. */
    private static final int[] TRACKED = {
        FrontEnd.SET_BACKEND_REQ_FD,
        FrontEnd.GET_CONFIG,
        FrontEnd.GET_CONFIG,
        FrontEnd.SET_CONFIG,
        FrontEnd.GET_INFLIGHT_FD,
        FrontEnd.SET_INFLIGHT_FD,
        FrontEnd.SET_INFLIGHT_FD,
        FrontEnd.SET_INFLIGHT_FD
    };

    private final FrontEnd guest;
    private final Random random;
    private final boolean tracked;
    private final int inflight = Linux.memfd("fuzz", INFLIGHT_BYTES);
    private final Mapping inflightMemory = Mapping.shared(inflight, 0, INFLIGHT_BYTES);

    /**
     * @param tracked the device has a configuration space and in-flight tracking
     */
    public MessageFuzz(FrontEnd guest, Random random, boolean tracked) {
        this.guest = guest;
        this.random = random;
        this.tracked = tracked;
        Linux.seal(inflight, Linux.F_SEAL_SHRINK | Linux.F_SEAL_GROW);
    }

    /**
     * One connection: usually a good start, then anything, until the back end has had enough.
     *
     * @return how many messages were sent
     */
    public int converse() {
        int messages = 0;
        try {
            if (random.nextInt(4) == 0) {
                guest.accept();
            } else {
                guest.connect();
            }
            for (; messages < MOST_MESSAGES; messages++) {
                message();
                if (random.nextInt(8) == 0) {
                    // So that most messages meet a back end that has not closed yet.
                    guest.discardAnswers();
                }
            }
        } catch (SysException | FrontEnd.ClosedByBackEnd e) {
            // Thrown out: what should happen to most of these.
        }
        return messages;
    }

    private void message() {
        boolean special = tracked && random.nextInt(3) == 0;
        int[] numbers = special ? TRACKED : NUMBERS;
        int number = numbers[random.nextInt(numbers.length)];
        byte[] payload = payload(number);
        int flags = random.nextInt(20) == 0 ? random.nextInt() : 1 | random.nextInt(2) * 8;
        if (random.nextInt(30) == 0) {
            byte[] raw = new byte[random.nextInt(40)];
            random.nextBytes(raw);
            guest.sendRaw(raw);
        }
        if (tracked && random.nextInt(4) == 0) {
            long at = Memory.base(inflightMemory.address() + 8 * random.nextInt(200));
            Memory.writeLong(at, random.nextInt(2) == 0 ? random.nextLong() : random.nextInt(99));
        }
        guest.send(number, flags, payload, descriptors(number));
    }

    private byte[] payload(int number) {
        int ring = random.nextInt(10) == 0 ? random.nextInt() : random.nextInt(guest.ringCount());
        return switch (random.nextInt(8) == 0 ? 0 : number) {
            case 1, 3, 4, 15, 17, 40, 21 -> new byte[0];
            case 2 -> FrontEnd.number(guest.features() & random.nextLong());
            case 5 ->
                    FrontEnd.memoryTable(
                            maybe(FrontEnd.GUEST_BASE),
                            maybe(guest.memoryBytes()),
                            maybe(FrontEnd.USER_BASE),
                            maybe(0));
            case 8 -> FrontEnd.ringState(ring, 1 << random.nextInt(12));
            case 9 -> {
                byte[] addresses = guest.ringAddresses(random.nextInt(guest.ringCount()));
                if (random.nextInt(3) == 0) {
                    addresses[random.nextInt(addresses.length)] ^= (byte) random.nextInt();
                }
                yield addresses;
            }
            case 10 -> FrontEnd.ringState(ring, random.nextInt(70_000));
            case 11 -> FrontEnd.ringState(ring, 0);
            case 12, 13, 14 -> FrontEnd.number(random.nextInt(4) == 0 ? 0x100 : random.nextInt(2));
            case 16 -> FrontEnd.number(random.nextLong() & (tracked ? 0x11209 : 0x10009));
            case 18 -> FrontEnd.ringState(ring, random.nextInt(2));
            case 24, 25 -> {
                int size = random.nextInt(260);
                int said = random.nextInt(6) == 0 ? random.nextInt() : size;
                yield buffer(12 + size).putInt(0, random.nextInt(300)).putInt(4, said).array();
            }
            case 31, 32 ->
                    buffer(random.nextInt(6) == 0 ? 20 : 24)
                            .putLong(0, maybe(INFLIGHT_BYTES))
                            .putLong(8, maybe(0))
                            .putShort(16, (short) maybe(guest.ringCount()))
                            .putShort(18, (short) maybe(guest.ring(0).size()))
                            .array();
            default -> {
                byte[] bytes = new byte[random.nextInt(300)];
                random.nextBytes(bytes);
                yield bytes;
            }
        };
    }

    private static ByteBuffer buffer(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }

    private long maybe(long value) {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextLong();
            case 1 -> value + random.nextInt(8192) - 4096;
            default -> value;
        };
    }

    private int[] descriptors(int number) {
        boolean one = number == 5 || number >= 12 && number <= 14 || number == 21 || number == 32;
        int[] descriptors = new int[random.nextInt(6) != 0 ? one ? 1 : 0 : random.nextInt(4)];
        for (int i = 0; i < descriptors.length; i++) {
            DriverRing ring = guest.ring(random.nextInt(guest.ringCount()));
            boolean memory = number == 5 || random.nextInt(8) == 0;
            descriptors[i] =
                    memory
                            ? guest.memoryDescriptor()
                            : number == 32 && random.nextInt(8) != 0
                                    ? inflight
                                    : (number == 13 ? ring.callDescriptor() : ring.kickDescriptor())
                                            .fd();
        }
        return descriptors;
    }

    @Override
    public void close() {
        inflightMemory.close();
        Linux.close(inflight);
    }
}
