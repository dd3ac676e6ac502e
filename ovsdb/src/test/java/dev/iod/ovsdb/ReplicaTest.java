package dev.iod.ovsdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.ovsdb.OvsdbException.Category;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client against a real ovsdb-server. */
@Timeout(60)
class ReplicaTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    @TempDir Path directory;
    private OvsdbServer server;
    private final BlockingQueue<Update> updates = new LinkedBlockingQueue<>();

    @BeforeEach
    void start() {
        server = new OvsdbServer(directory);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Replica open(Table... tables) {
        var config =
                new Replica.Config(
                        "test",
                        "OVN_Northbound",
                        List.of(server.endpoint()),
                        Optional.empty(),
                        List.of(tables),
                        Duration.ofMillis(300),
                        Duration.ofSeconds(2),
                        Duration.ofMillis(400));
        Replica replica = Replica.open(config, updates::add);
        replica.awaitSynced(SOON);
        return replica;
    }

    private static Table switches() {
        return Table.of("Logical_Switch", "name", "ports", "external_ids", "other_config");
    }

    private static Table ports() {
        return Table.of("Logical_Switch_Port", "name", "tag", "enabled", "addresses", "options");
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + SOON.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("deadline").isLessThan(deadline);
            Thread.sleep(10);
        }
    }

    private static Optional<Row> named(Replica replica, String table, String name) {
        return replica.read(v -> v.first(table, row -> row.text("name").equals(name)));
    }

    @Test
    void rowsFollowTheServerInEveryType() throws Exception {
        server.nbctl("ls-add", "before");
        try (Replica replica = open(switches(), ports())) {
            assertThat(named(replica, "Logical_Switch", "before")).isPresent();
            server.nbctl(
                    "lsp-add",
                    "before",
                    "p1",
                    "--",
                    "set",
                    "Logical_Switch_Port",
                    "p1",
                    "addresses=a,b");
            await(() -> named(replica, "Logical_Switch_Port", "p1").isPresent());
            Row port = named(replica, "Logical_Switch_Port", "p1").orElseThrow();
            assertThat(port.texts("addresses")).containsExactlyInAnyOrder("a", "b");
            assertThat(port.optionalInteger("tag")).isEmpty();
            server.nbctl("set", "Logical_Switch_Port", "p1", "tag=7", "options:x=1", "options:y=2");
            server.nbctl("set", "Logical_Switch_Port", "p1", "options:x=3", "tag=9");
            server.nbctl("set", "Logical_Switch_Port", "p1", "addresses=b,c");
            server.nbctl("lsp-set-enabled", "p1", "disabled");
            server.nbctl("remove", "Logical_Switch_Port", "p1", "options", "y");
            await(
                    () -> {
                        Row now = named(replica, "Logical_Switch_Port", "p1").orElseThrow();
                        return now.texts("addresses").equals(Set.of("b", "c"))
                                && now.map("options").equals(Map.of("x", "3"))
                                && now.optionalInteger("tag").orElse(0) == 9
                                && !now.optionalBool("enabled").orElse(true);
                    });
            server.nbctl("ls-del", "before");
            await(() -> replica.read(v -> v.rows("Logical_Switch_Port").findAny().isEmpty()));
        }
    }

    @Test
    void transactionsAreInTheReplicaWhenTheyAreAnswered() {
        try (Replica replica = open(switches(), ports())) {
            var done =
                    replica.transactAndWait(
                            List.of(
                                    new Operation.Comment("test"),
                                    Operation.insert(
                                            "Logical_Switch_Port",
                                            "p",
                                            Map.of(
                                                    "name",
                                                    Value.of("port"),
                                                    "options",
                                                    Value.map(Map.of("k", "v")))),
                                    Operation.insert(
                                            "Logical_Switch",
                                            Map.of(
                                                    "name",
                                                    Value.of("net"),
                                                    "ports",
                                                    Value.named("p")))),
                            SOON);
            UUID port = done.get(1).uuid().orElseThrow();
            Row net = named(replica, "Logical_Switch", "net").orElseThrow();
            assertThat(net.refs("ports")).containsExactly(port);
            var where = Condition.uuid(net.uuid());
            replica.transactAndWait(
                    List.of(
                            Operation.unchanged(
                                    "Logical_Switch", net.uuid(), "name", Value.of("net")),
                            Operation.mutate(
                                    "Logical_Switch",
                                    where,
                                    Mutation.insert(
                                            "external_ids", Value.map(Map.of("a", "1", "b", "2")))),
                            Operation.update(
                                    "Logical_Switch", where, Map.of("name", Value.of("net2")))),
                    SOON);
            assertThat(named(replica, "Logical_Switch", "net2").orElseThrow().map("external_ids"))
                    .isEqualTo(Map.of("a", "1", "b", "2"));
            var select =
                    replica.transactAndWait(
                            List.of(
                                    new Operation.Select(
                                            "Logical_Switch", List.of(where), List.of("name"))),
                            SOON);
            assertThat(select.getFirst().rows()).containsExactly(Map.of("name", Value.of("net2")));
            var deleted =
                    replica.transactAndWait(
                            List.of(Operation.delete("Logical_Switch", where)), SOON);
            assertThat(deleted.getFirst().count()).isEqualTo(1);
            assertThat(named(replica, "Logical_Switch", "net2")).isEmpty();
        }
    }

    @Test
    void errorsAreTyped() {
        server.nbctl("lr-add", "r0");
        try (Replica replica = open(Table.of("Logical_Router", "name", "ports"))) {
            Row router = named(replica, "Logical_Router", "r0").orElseThrow();
            var insert = Operation.insert("Port_Group", Map.of("name", Value.of("twice")));
            replica.transactAndWait(List.of(insert), SOON);
            fails(replica, Category.CONSTRAINT_VIOLATION, insert);
            fails(
                    replica,
                    Category.WAIT_TIMED_OUT,
                    Operation.unchanged(
                            "Logical_Router", router.uuid(), "name", Value.of("other")));
            fails(
                    replica,
                    Category.REFERENTIAL_INTEGRITY,
                    Operation.mutate(
                            "Logical_Router",
                            Condition.uuid(router.uuid()),
                            Mutation.insert("ports", Value.of(UUID.randomUUID()))));
            fails(replica, Category.OTHER, Operation.insert("No_Table", Map.of()));
        }
    }

    private static void fails(Replica replica, Category category, Operation operation) {
        assertThatThrownBy(() -> replica.transactAndWait(List.of(operation), SOON))
                .isInstanceOfSatisfying(
                        OvsdbException.class,
                        e -> assertThat(e.category()).as(e.getMessage()).isEqualTo(category));
    }

    @Test
    void conditionsGrowAndShrink() throws Exception {
        server.nbctl("ls-add", "a", "--", "ls-add", "b", "--", "ls-add", "c");
        try (Replica replica = open(switches().where(List.of()))) {
            assertThat(names(replica)).isEmpty();
            var a = Condition.equal("name", Value.of("a"));
            var b = Condition.equal("name", Value.of("b"));
            replica.select(Map.of("Logical_Switch", List.of(a, b))).get(10, TimeUnit.SECONDS);
            assertThat(names(replica)).containsExactlyInAnyOrder("a", "b");
            assertThat(replica.settled()).isTrue();
            replica.select(Map.of("Logical_Switch", List.of(b))).get(10, TimeUnit.SECONDS);
            assertThat(names(replica)).containsExactly("b");
            server.kill();
            await(() -> !replica.status().synced());
            assertThat(replica.select(Map.of("Logical_Switch", List.of(a, b))))
                    .isCompletedExceptionally();
            server.restart();
            await(() -> replica.settled() && names(replica).size() == 2);
        }
    }

    private static List<String> names(Replica replica) {
        return replica.read(v -> v.rows("Logical_Switch").map(r -> r.text("name")).toList());
    }

    @Test
    void aRestartedServerWithdrawsNothing() throws Exception {
        server.nbctl("ls-add", "a", "--", "ls-add", "b");
        try (Replica replica = open(switches())) {
            updates.clear();
            server.kill();
            await(() -> !replica.status().synced());
            assertThat(names(replica)).hasSize(2);
            assertThatThrownBy(() -> replica.transactAndWait(List.of(), SOON))
                    .isInstanceOfSatisfying(
                            OvsdbException.class,
                            e -> assertThat(e.category()).isEqualTo(Category.DISCONNECTED));
            server.restart();
            server.nbctl("ls-add", "c");
            await(() -> names(replica).size() == 3);
            var gone = new ArrayList<Update.Change>();
            var come = new HashMap<UUID, String>();
            for (Update update : updates) {
                for (Update.Change change : update.changes()) {
                    change.after()
                            .ifPresentOrElse(
                                    row -> come.put(row.uuid(), row.text("name")),
                                    () -> gone.add(change));
                }
            }
            assertThat(gone).isEmpty();
            assertThat(come.values()).containsExactly("c");
        }
    }

    /** On one machine the kernel tells that a server is gone; one that says nothing is at work. */
    @Test
    void aServerThatStandsStillIsWaitedFor() throws Exception {
        server.nbctl("ls-add", "a");
        try (Replica replica = open(switches().where(List.of()))) {
            server.freeze();
            CompletableFuture<Void> selected;
            try {
                var a = Condition.equal("name", Value.of("a"));
                selected = replica.select(Map.of("Logical_Switch", List.of(a)));
                // Many times the probe interval.
                Thread.sleep(2000);
                assertThat(replica.status().synced()).isTrue();
                assertThat(replica.settled()).isFalse();
            } finally {
                server.thaw();
            }
            selected.get(10, TimeUnit.SECONDS);
            assertThat(names(replica)).containsExactly("a");
            assertThat(replica.settled()).isTrue();
            assertThat(replica.status().connections()).isEqualTo(1);
        }
    }

    @Test
    void aServerElsewhereThatIsGoneIsLeftAndFoundAgain() throws Exception {
        server.close();
        SelfSigned identity = SelfSigned.make(directory);
        server =
                new OvsdbServer(
                        Files.createDirectory(directory.resolve("tls")), Optional.of(identity));
        var config =
                new Replica.Config(
                        "test",
                        "OVN_Northbound",
                        List.of(server.tlsEndpoint()),
                        Optional.of(identity.context()),
                        List.of(switches()),
                        Duration.ofMillis(300),
                        SOON,
                        Duration.ofMillis(400));
        try (Replica replica = Replica.open(config, updates::add)) {
            replica.awaitSynced(SOON);
            long kept = replica.status().connections();
            server.freeze();
            try {
                await(() -> !replica.status().synced());
            } finally {
                server.thaw();
            }
            await(() -> replica.status().synced());
            assertThat(replica.status().connections()).isGreaterThan(kept);
        }
    }

    @Test
    void aMissingColumnIsNamed() {
        var config =
                Replica.Config.of(
                        "test",
                        "OVN_Northbound",
                        List.of(server.endpoint()),
                        List.of(Table.of("Logical_Switch", "name", "colour").optionally("taste")));
        try (Replica replica = Replica.open(config, updates::add)) {
            assertThatThrownBy(() -> replica.awaitSynced(Duration.ofSeconds(1)))
                    .hasMessageContaining("table Logical_Switch has no column colour");
        }
    }

    @Test
    void anOversizedRequestIsRefusedHere() {
        try (Replica replica = open(switches())) {
            var huge = new Operation.Comment("x".repeat(Replica.REQUEST_LIMIT_BYTES));
            fails(replica, Category.RESOURCES, huge);
            assertThat(replica.status().synced()).isTrue();
        }
    }

    @Test
    void settledOnlyAfterTheListenerKnows() throws Exception {
        server.nbctl("ls-add", "a");
        var early = new AtomicBoolean();
        var self = new CompletableFuture<Replica>();
        var config =
                Replica.Config.of(
                        "test", "OVN_Northbound", List.of(server.endpoint()), List.of(switches()));
        try (Replica replica =
                Replica.open(
                        config,
                        update -> {
                            early.compareAndSet(false, update.resync() && self.join().settled());
                            updates.add(update);
                        })) {
            self.complete(replica);
            await(() -> updates.size() == 2);
            assertThat(early).isFalse();
            assertThat(replica.settled()).isTrue();
            assertThat(updates.take().changes()).hasSize(1);
            assertThat(updates.take().changes()).isEmpty();
        }
    }

    @Test
    void unansweredRequestsHaveALimitAndADeadline() throws Exception {
        try (Replica replica = open(switches())) {
            server.freeze();
            try {
                var comment = List.<Operation>of(new Operation.Comment("x"));
                assertThat(categoryOf(replica.transact(comment, Duration.ofMillis(100))))
                        .isEqualTo(Category.NO_ANSWER);
                for (int i = 0; i < Replica.PENDING_LIMIT; i++) {
                    assertThat(replica.transact(comment, Duration.ofMinutes(5))).isNotDone();
                }
                assertThat(categoryOf(replica.transact(comment, SOON)))
                        .isEqualTo(Category.RESOURCES);
            } finally {
                server.thaw();
            }
            await(() -> transacts(replica));
        }
    }

    private static boolean transacts(Replica replica) {
        var done = replica.transact(List.of(new Operation.Comment("again")), SOON);
        return done.handle((results, error) -> error == null).join();
    }

    private static Category categoryOf(CompletableFuture<?> failing) {
        try {
            failing.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof OvsdbException known) {
                return known.category();
            }
        }
        throw new AssertionError("no failure of the kind that is documented");
    }
}
