package dev.iod.eswitch.caches;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.connections.Tuple;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Hash;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class HashTest {
    private static final int SLOTS = 1024;
    private static final int KEYS = 200;

    private static int slot(long[] words, long secret) {
        long hash = secret;
        for (long word : words) {
            hash = Hash.mix(hash, word);
        }
        return Hash.fold(hash) & SLOTS - 1;
    }

    /** Whoever knows the function but not the secret has found nothing. */
    @Test
    void keysThatMeetUnderOneSecretPartUnderAnother() {
        SplittableRandom random = new SplittableRandom(1);
        for (long secret : new long[] {0, 1, 0x1234_5678_9abc_def0L}) {
            List<long[]> meeting = new ArrayList<>();
            while (meeting.size() < KEYS) {
                long[] words = {random.nextInt(), 6, random.nextLong(), random.nextInt()};
                if (slot(words, secret) == 7) {
                    meeting.add(words);
                }
            }
            Set<Integer> slots = new HashSet<>();
            meeting.forEach(words -> slots.add(slot(words, secret + 1)));
            // 200 in 1,024 places at random would be about 182 different ones.
            assertThat(slots).hasSizeGreaterThan(150);
        }
    }

    @Test
    void neighbouringAddressesAndPortsSpread() {
        int[] connections = new int[SLOTS];
        int[] sets = new int[SLOTS];
        int[] flows = new int[SLOTS];
        FlowKey flow = new FlowKey();
        Tuple key = new Tuple();
        for (int i = 0; i < SLOTS; i++) {
            byte[] udp = Frames.udp4(i % 32, 99, i / 32, 53, new byte[0]);
            Packet p = TestPackets.parsed(Frames.ethernet(2, 4, 0x0800, udp));
            assertThat(key.of(p, 5)).isTrue();
            connections[key.hash() & SLOTS - 1]++;
            assertThat(flow.of(p, FlowKey.device(1))).isEqualTo(FlowKey.Cacheability.ENTRY);
            flows[flow.hash() & SLOTS - 1]++;
            sets[new Bits(0, i).hashCode() & SLOTS - 1]++;
        }
        // At one per place on average, ten in one place happen once in 100,000 tries.
        for (int slot = 0; slot < SLOTS; slot++) {
            assertThat(connections[slot]).isLessThan(14);
            assertThat(flows[slot]).isLessThan(14);
            assertThat(sets[slot]).isLessThan(14);
        }
    }
}
