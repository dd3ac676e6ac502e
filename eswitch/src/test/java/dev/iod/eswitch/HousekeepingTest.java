package dev.iod.eswitch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.connections.ConnectionTable;
import dev.iod.eswitch.connections.Tuple;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.eswitch.tunnel.Geneve;
import dev.iod.eswitch.tunnel.Underlay;
import dev.iod.pipeline.Counter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A step is bounded whatever has timed out at once, and steps come to an end. */
final class HousekeepingTest {
    private static final int CONNECTIONS = 1000;
    private static final long NOW = 5_000_000;

    private static final Underlay NOWHERE =
            new Underlay() {
                @Override
                public Geneve.@Nullable Route route(int address) {
                    return null;
                }

                @Override
                public void want(Set<Integer> addresses) {}
            };

    @TempDir Path directory;

    @Test
    void connectionsThatTimeOutAtOnceGoInBoundedSteps() throws Exception {
        try (ConnectionTable table = ConnectionTable.open(directory, 2 * CONNECTIONS, NOW)) {
            Tuple original = new Tuple();
            Tuple reply = new Tuple();
            for (int port = 1; port <= CONNECTIONS; port++) {
                byte[] udp = Frames.udp4(1, 2, port, 53, new byte[0]);
                Packet p = TestPackets.parsed(Frames.ethernet(2, 4, 0x0800, udp));
                assertThat(original.of(p, 1)).isTrue();
                reply.mirror(original);
                table.add(original, reply, 0, 1, NOW + 500);
            }
            Core core =
                    Core.of(
                            table,
                            1024,
                            new EngineConfig.Limits(CONNECTIONS, CONNECTIONS, 1024, 1000),
                            NOWHERE,
                            0);
            Housekeeping housekeeping = new Housekeeping(core);
            int steps = 0;
            boolean more;
            do {
                int before = table.size();
                more = housekeeping.step(NOW + 2000);
                assertThat(before - table.size()).isBetween(0, Housekeeping.MOST);
                steps++;
            } while (more);
            assertThat(table.size()).isZero();
            assertThat(steps).isBetween(CONNECTIONS / Housekeeping.MOST, CONNECTIONS);
            assertThat(core.counters().report(reason -> 0).counters())
                    .isEqualTo(Map.of(Counter.CONNECTIONS_EXPIRED, (long) CONNECTIONS));
            assertThat(housekeeping.needed()).isFalse();
        }
    }
}
