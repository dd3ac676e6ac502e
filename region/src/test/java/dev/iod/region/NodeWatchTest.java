package dev.iod.region;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.Hello;
import dev.iod.node.Observed;
import dev.iod.store.Database;
import dev.iod.store.testing.PostgresFixture;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Silence is judged by a clock that the test moves. */
class NodeWatchTest {
    private final SetClock clock = new SetClock();
    private Database database;
    private int settled;
    private boolean failing;

    @BeforeEach
    void start() {
        database = Database.open(PostgresFixture.newDatabase(), 4);
        Services.prepare(database, List.of());
        database.run(
                handle -> {
                    for (String node : List.of("n1", "n2", "never")) {
                        Nodes.add(handle, node, "AB");
                    }
                });
        hello("n1");
        hello("n2");
    }

    @AfterEach
    void stop() {
        database.close();
    }

    private void hello(String node) {
        boolean known =
                database.locked(
                        handle ->
                                Nodes.describe(
                                        handle,
                                        "AB",
                                        Hello.newBuilder()
                                                .setNode(node)
                                                .setVcpus(2)
                                                .setMemoryMib(100)
                                                .build(),
                                        clock.instant()));
        assertThat(known).isTrue();
    }

    private void beat(String node) {
        database.locked(
                handle ->
                        Nodes.heard(
                                handle,
                                node,
                                "AB",
                                Observed.getDefaultInstance(),
                                clock.instant()));
    }

    /** A region that has just been started. */
    private NodeWatch watch() {
        NodeObserver observer =
                new NodeObserver() {
                    @Override
                    public void observed(Database nodes, String node, Observed observed) {}

                    @Override
                    public void nodesSettled(Database nodes) {
                        settled++;
                        if (failing) {
                            throw new IllegalStateException("this time");
                        }
                    }
                };
        Service service =
                Service.unlisted("/x", List.of())
                        .nodes((handle, node, goal) -> {}, observer)
                        .build();
        return new NodeWatch(database, List.of(service), new Grace(clock), clock);
    }

    private List<String> up() {
        return database.read(Nodes::all).stream().filter(Node::up).map(Node::name).toList();
    }

    private void look(NodeWatch watch, int seconds) {
        for (int i = 0; i < seconds; i += 5) {
            clock.forward(Duration.ofSeconds(5));
            watch.look();
        }
    }

    @Test
    void aSilentNodeIsDownAndOneThatIsHeardIsUp() {
        NodeWatch watch = watch();
        assertThat(up()).containsExactly("n1", "n2");
        for (int i = 0; i < 8; i++) {
            look(watch, 5);
            beat("n1");
        }
        assertThat(up()).containsExactly("n1");
        beat("n2");
        assertThat(up()).containsExactly("n1", "n2");
    }

    @Test
    void aRestartOfTheRegionIsNoOutage() {
        clock.forward(Duration.ofHours(3));
        NodeWatch watch = watch();
        look(watch, 30);
        assertThat(up()).as("they had no time to come back").containsExactly("n1", "n2");
        assertThat(settled).isZero();
        beat("n1");
        look(watch, 10);
        assertThat(up()).containsExactly("n1");
        look(watch, 20);
        assertThat(settled).isOne();
    }

    /** Its database was away, or the machine slept: nobody could be heard. */
    @Test
    void aRegionThatWasNotListeningBeginsAnew() {
        NodeWatch watch = watch();
        look(watch, 40);
        beat("n1");
        beat("n2");
        look(watch, 5);
        hello("n1");
        hello("n2");
        clock.forward(Duration.ofMinutes(10));
        watch.look();
        assertThat(up()).containsExactly("n1", "n2");
        look(watch, 30);
        beat("n1");
        assertThat(up()).containsExactly("n1", "n2");
        look(watch, 5);
        assertThat(up()).containsExactly("n1");
        assertThat(settled).isEqualTo(2);
    }

    @Test
    void whatWaitsForNodesIsToldUntilItSucceeds() {
        NodeWatch watch = watch();
        failing = true;
        look(watch, 45);
        assertThat(settled).isGreaterThan(1);
        int before = settled;
        failing = false;
        look(watch, 30);
        assertThat(settled).isEqualTo(before + 1);
        assertThat(up()).as("silence is judged all the same").isEmpty();
    }

    private static final class SetClock extends Clock {
        private volatile Instant now = Instant.parse("2026-01-01T00:00:00Z");

        void forward(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException("only UTC");
        }
    }
}
