package dev.iod.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.network.IntentUnit;
import dev.iod.network.SnapshotStore;
import dev.iod.network.testing.NetworkRegion;
import dev.iod.northbound.NorthboundReconciler.Work;
import dev.iod.northbound.testing.OvnCentral;
import dev.iod.ovsdb.Endpoint;
import dev.iod.ovsdb.Replica;
import dev.iod.store.Database;
import dev.iod.store.Notifications;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What is changed unit by unit equals what a full plan says, and costs its own unit. */
class NorthboundDifferenceTest {
    private static final String OWNER = "test";
    private static final long SEED = Long.getLong("seed", 5202);
    private static final int STEPS = Integer.getInteger("steps", 200);

    private NetworkRegion region;
    private OvnCentral ovn;
    private Replica replica;
    private final List<NorthboundReconciler> reconcilers = new ArrayList<>();

    @BeforeEach
    void start() {
        ovn = OvnCentral.startNorthbound();
        region = new NetworkRegion();
        region.withoutQuotas("p");
        replica =
                Replica.open(
                        Replica.Config.of(
                                "test",
                                "OVN_Northbound",
                                List.of(Endpoint.parse(ovn.northbound())),
                                NorthboundTables.all()),
                        update -> {});
        replica.awaitSynced(Duration.ofSeconds(10));
    }

    @AfterEach
    void stop() {
        reconcilers.forEach(NorthboundReconciler::close);
        replica.close();
        region.close();
        ovn.close();
    }

    @Test
    void afterAnyChangesItIsAsTheFullPlanSays() {
        NorthboundReconciler reconciler = reconcile(NorthboundReconciler.FULL_CHECK);
        long passes = settledPasses(reconciler);
        var intent = new RandomIntent(region, SEED);
        // Whatever the seed: on until every kind of change was made.
        int kinds = RandomIntent.Change.values().length;
        for (int step = 0; step < STEPS || intent.done().size() < kinds; step++) {
            assertThat(step).as(intent.done().toString()).isLessThan(50 * STEPS);
            RandomIntent.Change change = intent.step();
            waitUntilEqual("seed %d step %d %s".formatted(SEED, step, change));
        }
        assertThat(reconciler.work().fullPasses()).isEqualTo(passes);
        assertThat(reconciler.status().problem()).isEmpty();
    }

    @Test
    void severalWritersComeToTheSame() {
        reconcile(NorthboundReconciler.FULL_CHECK);
        reconcile(NorthboundReconciler.FULL_CHECK);
        var intent = new RandomIntent(region, SEED + 1);
        for (int step = 0; step < STEPS / 4; step++) {
            for (int i = 0; i < 4; i++) {
                intent.step();
            }
            waitUntilEqual("seed %d step %d".formatted(SEED + 1, step));
        }
    }

    @Test
    void whatOthersChangeIsMended() {
        NorthboundReconciler reconciler = reconcile(NorthboundReconciler.FULL_CHECK);
        var intent = new RandomIntent(region, SEED + 2);
        for (int step = 0; step < STEPS / 2; step++) {
            intent.step();
        }
        waitUntilEqual("before");
        long passes = settledPasses(reconciler);
        ovn.nbctl("ls-add", "foreign", "--", "lsp-add", "foreign", "foreign-port");
        var random = new Random(SEED);
        for (int step = 0; step < 30; step++) {
            interfere(random);
            waitUntilEqual("seed %d step %d".formatted(SEED, step));
        }
        assertThat(reconciler.work().fullPasses()).isEqualTo(passes);
        assertThat(ovn.nbctl("ls-list")).contains("foreign");
    }

    private void interfere(Random random) {
        switch (random.nextInt(6)) {
            case 0 -> ovn.nbctl("ls-del", any(random, "Logical_Switch", "neutron-"));
            case 1 -> ovn.nbctl("pg-del", any(random, "Port_Group", ""));
            case 2 -> ovn.nbctl("pg-set-ports", SecurityGroupRows.DROP_GROUP, "foreign-port");
            case 3 -> ovn.nbctl("acl-del", any(random, "Port_Group", ""));
            case 4 ->
                    ovn.nbctl(
                            "set",
                            "Logical_Switch",
                            any(random, "Logical_Switch", "neutron-"),
                            "other_config:vlan-passthru=true");
            default -> ovn.nbctl("--all", "destroy", "DHCP_Options");
        }
    }

    private String any(Random random, String table, String prefix) {
        List<String> names =
                Arrays.stream(ovn.nbctl("--bare", "--columns=name", "list", table).split("\\s+"))
                        .filter(name -> !name.isEmpty() && name.startsWith(prefix))
                        .sorted()
                        .toList();
        return names.get(random.nextInt(names.size()));
    }

    @Test
    void aChangeOfOnePortPlansItsOwnNetwork() {
        List<String> networks = new ArrayList<>();
        List<String> ports = new ArrayList<>();
        for (int half = 0; half < 2; half++) {
            List<String> some = ids(post("networks", 100, i -> "'name':'n" + i + "'"));
            post(
                    "subnets",
                    100,
                    i ->
                            "'network_id':'%s','ip_version':4,'cidr':'10.0.0.0/24'"
                                    .formatted(some.get(i)));
            // All in the default group: who is in it concerns the ports' networks only.
            ports.addAll(ids(post("ports", 100, i -> "'network_id':'" + some.get(i) + "'")));
            post("ports", 100, i -> "'network_id':'" + some.get(i) + "'");
            networks.addAll(some);
        }
        NorthboundReconciler reconciler = reconcile(NorthboundReconciler.FULL_CHECK);
        waitUntilEqual("200 networks");
        settledPasses(reconciler);

        Work before = reconciler.work();
        ok(region.as("p").put("/ports/" + ports.getFirst(), "{'port':{'name':'other'}}").status());
        waitUntilEqual("name of a port");
        // A network, a subnet, a port for metadata and two others: a switch, options, three ports.
        assertWork(new Work(0, 1, 5, 5, 1, 0), before, reconciler);

        before = reconciler.work();
        post("ports", 1, i -> "'network_id':'" + networks.get(7) + "'");
        waitUntilEqual("new port");
        assertWork(new Work(0, 1, 6, 6, 1, 0), before, reconciler);

        before = reconciler.work();
        String router = ids(post("routers", 1, i -> "'name':'r'")).getFirst();
        waitUntilEqual("router");
        assertWork(new Work(0, 1, 1, 1, 1, 0), before, reconciler);

        before = reconciler.work();
        String subnet =
                region.as("p")
                        .get("/subnets?network_id=" + networks.get(9))
                        .json()
                        .at("/subnets/0/id")
                        .asString();
        ok(
                region.as("p")
                        .put(
                                "/routers/" + router + "/add_router_interface",
                                "{'subnet_id':'" + subnet + "'}")
                        .status());
        waitUntilEqual("interface");
        // Six rows of the network; the router, its interface, and for that a network and a subnet,
        // which are the same if both are read at once.
        Work start = before;
        waitFor(
                () -> since(start, reconciler).transactions() >= 2 && reconciler.isIdle(),
                "two units");
        Work both = since(before, reconciler);
        assertThat(both.rowsRead()).isBetween(7L, 10L);
        assertThat(both).isEqualTo(new Work(0, 2, both.rowsRead(), 8, 2, 0));
    }

    @Test
    void aCheckFindsWhatNothingToldOf() {
        ids(post("networks", 3, i -> "'name':'n" + i + "'"));
        NorthboundReconciler reconciler = reconcile(Duration.ofSeconds(1));
        waitUntilEqual("start");
        long passes = settledPasses(reconciler);
        waitFor(() -> reconciler.work().fullPasses() > passes + 2, "checks");
        assertThat(reconciler.work().surprises()).isZero();
        region.database()
                .run(
                        handle -> {
                            handle.execute("ALTER TABLE network DISABLE TRIGGER intent");
                            handle.execute("UPDATE network SET name = 'unheard' WHERE name = 'n1'");
                            handle.execute("ALTER TABLE network ENABLE TRIGGER intent");
                        });
        waitUntilEqual("unheard");
        waitFor(() -> reconciler.work().surprises() == 1, "surprise");
    }

    @Test
    void rowsOfAnEarlierVersionAreTakenOverAndStraysGo() {
        ids(post("networks", 2, i -> "'name':'n" + i + "'"));
        reconcile(NorthboundReconciler.FULL_CHECK);
        waitUntilEqual("start");
        reconcilers.forEach(NorthboundReconciler::close);
        reconcilers.clear();
        for (String name : names("Logical_Switch")) {
            ovn.nbctl(
                    "remove", "Logical_Switch", name, "external_ids", "\"" + NbRow.UNIT_ID + "\"");
        }
        ovn.nbctl("ls-add", "stray");
        ovn.nbctl(
                "set",
                "Logical_Switch",
                "stray",
                "external_ids:\"iod:owner\"=" + OWNER,
                "external_ids:\"iod:key\"=stray");
        List<String> uuids = switches();
        reconcile(NorthboundReconciler.FULL_CHECK);
        waitUntilEqual("again");
        assertThat(uuids).containsAll(switches());
        assertThat(names("Logical_Switch")).doesNotContain("stray").hasSize(2);
    }

    private List<String> names(String table) {
        return Arrays.stream(ovn.nbctl("--bare", "--columns=name", "list", table).split("\\s+"))
                .filter(name -> !name.isEmpty())
                .toList();
    }

    private List<String> switches() {
        return Arrays.stream(
                        ovn.nbctl("--bare", "--columns=_uuid", "list", "Logical_Switch")
                                .split("\\s+"))
                .toList();
    }

    private NorthboundReconciler reconcile(Duration fullCheck) {
        var reconciler =
                NorthboundReconciler.start(
                        region.database(),
                        ovn.northbound(),
                        OWNER,
                        NorthboundReconciler.TRANSACTION_LIMIT,
                        fullCheck);
        reconcilers.add(reconciler);
        return reconciler;
    }

    /** How many full passes there were when the start is over: it listens and has compared all. */
    private long settledPasses(NorthboundReconciler reconciler) {
        var heard = ConcurrentHashMap.<String>newKeySet();
        var sent = new ArrayList<String>();
        Notifications notifications = region.database().notifications();
        Notifications.Subscription subscription =
                notifications.subscribe(IntentUnit.CHANNEL, heard::add);
        try {
            // What is sent before the database listens is lost.
            waitFor(
                    () -> {
                        sent.add(IntentUnit.network(UUID.randomUUID()).toString());
                        region.database()
                                .run(
                                        handle ->
                                                Database.notify(
                                                        handle,
                                                        IntentUnit.CHANNEL,
                                                        sent.getLast()));
                        return sent.stream().anyMatch(heard::contains);
                    },
                    "the first notification");
            waitFor(() -> heard.contains(sent.getLast()), "the last notification");
        } finally {
            subscription.close();
        }
        waitFor(reconciler::isIdle, "idle");
        return reconciler.work().fullPasses();
    }

    /** What is written is seen here before it is counted there. */
    private void assertWork(Work expected, Work before, NorthboundReconciler reconciler) {
        waitFor(
                () ->
                        since(before, reconciler).transactions() >= expected.transactions()
                                && reconciler.isIdle(),
                "transactions");
        assertThat(since(before, reconciler)).isEqualTo(expected);
    }

    private static Work since(Work before, NorthboundReconciler reconciler) {
        Work now = reconciler.work();
        return new Work(
                now.fullPasses() - before.fullPasses(),
                now.units() - before.units(),
                now.rowsRead() - before.rowsRead(),
                now.rowsPlanned() - before.rowsPlanned(),
                now.transactions() - before.transactions(),
                now.surprises() - before.surprises());
    }

    private JsonNode post(String plural, int count, IntFunction<String> one) {
        String all =
                String.join(
                        ",",
                        IntStream.range(0, count).mapToObj(i -> "{" + one.apply(i) + "}").toList());
        var answer = region.as("p").post("/" + plural, "{'%s':[%s]}".formatted(plural, all));
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return answer.json().path(plural);
    }

    private static List<String> ids(JsonNode resources) {
        return resources.values().stream().map(one -> one.path("id").asString()).toList();
    }

    private static void ok(int status) {
        assertThat(status).isEqualTo(200);
    }

    private void waitUntilEqual(String what) {
        var wanted =
                NorthboundContents.of(
                        NorthboundPlan.of(region.database().read(SnapshotStore::read), OWNER));
        waitFor(() -> contents().equals(wanted), what, wanted);
    }

    private SortedMap<String, SortedMap<String, String>> contents() {
        return NorthboundContents.of(replica, OWNER);
    }

    private void waitFor(BooleanSupplier condition, String what) {
        waitFor(condition, what, new TreeMap<>());
    }

    private void waitFor(
            BooleanSupplier condition,
            String what,
            SortedMap<String, SortedMap<String, String>> wanted) {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                var lacking = new TreeMap<>(wanted);
                var extra = contents();
                contents().forEach(lacking::remove);
                wanted.forEach(extra::remove);
                throw new AssertionError(
                        "%s %s lacks %s has %s"
                                .formatted(what, reconcilers.getFirst().status(), lacking, extra));
            }
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
