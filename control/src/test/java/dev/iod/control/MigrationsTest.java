package dev.iod.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.compute.Compute;
import dev.iod.console.Consoles;
import dev.iod.identity.TokenService;
import dev.iod.image.ImageFiles;
import dev.iod.image.ImageService;
import dev.iod.image.QemuConverter;
import dev.iod.region.ConnectedNodes;
import dev.iod.region.Grace;
import dev.iod.region.Services;
import dev.iod.rest.Ipv6;
import dev.iod.store.Database;
import dev.iod.store.testing.OldSchema;
import dev.iod.store.testing.PostgresFixture;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The migrations of all services are one sequence, and those that were released stay as they are.
 */
class MigrationsTest {
    /** Versions with Flyway's checksums; a database that has them refuses others. */
    private static final Map<String, Integer> RELEASED =
            Map.ofEntries(
                    Map.entry("001", 51501922),
                    Map.entry("002", 1174709947),
                    Map.entry("003", 1172057253),
                    Map.entry("010", -267461349),
                    Map.entry("011", 1691115328),
                    Map.entry("020", -107885901),
                    Map.entry("021", -1447564058),
                    Map.entry("022", 1919661971),
                    Map.entry("023", -1466523283),
                    Map.entry("024", -610705267),
                    Map.entry("025", -1993511431),
                    Map.entry("040", 1225568651),
                    Map.entry("050", 1579438429),
                    Map.entry("060", -577111245),
                    Map.entry("061", 442021287),
                    Map.entry("070", -541149375),
                    Map.entry("071", -909110295),
                    Map.entry("075", -1502652271),
                    Map.entry("076", 356925749),
                    Map.entry("077", 1364597406),
                    Map.entry("078", -1553829955),
                    Map.entry("080", -2093245078),
                    Map.entry("081", -464747051),
                    Map.entry("082", -1322470897),
                    Map.entry("106", 2142566569),
                    Map.entry("090", 1719930272),
                    Map.entry("091", -850087869),
                    Map.entry("092", -1502036959),
                    Map.entry("095", -796219575),
                    Map.entry("096", 1259027535),
                    Map.entry("100", 658187551),
                    Map.entry("101", -413829467),
                    Map.entry("115", 1946805729),
                    Map.entry("116", -1702980527),
                    Map.entry("125", -963016115),
                    Map.entry("126", -1763810140),
                    Map.entry("127", -879829535));

    @Test
    void releasedMigrationsAreUnchanged(@TempDir Path images) {
        Clock clock = Clock.systemUTC();
        try (Database database = Database.open(PostgresFixture.newDatabase(), 4);
                TokenService tokens = new TokenService(database, clock)) {
            Services.prepare(
                    database,
                    Main.services(
                            database,
                            tokens,
                            new ImageService(
                                    database,
                                    new ImageFiles(images),
                                    new QemuConverter("nobody"),
                                    clock),
                            new ConnectedNodes(new Grace(Clock.systemUTC())),
                            new Consoles(
                                    database,
                                    new ConnectedNodes(new Grace(clock)),
                                    Compute.consoleServers(),
                                    Set.of(),
                                    Optional.empty(),
                                    Optional.empty(),
                                    clock),
                            "test",
                            "password",
                            clock));
            Map<String, Integer> applied = new TreeMap<>();
            database.read(
                            handle ->
                                    handle.createQuery(
                                                    "SELECT version, checksum FROM"
                                                            + " flyway_schema_history")
                                            .map(
                                                    (row, context) ->
                                                            Map.entry(
                                                                    row.getString(1),
                                                                    row.getInt(2)))
                                            .list())
                    .forEach(entry -> applied.put(entry.getKey(), entry.getValue()));
            assertThat(applied).containsAllEntriesOf(RELEASED);
        }
    }

    @Test
    void theDatabaseOfANewerReleaseIsRefused() {
        String url = PostgresFixture.newDatabase();
        // As the release before volumes would find it.
        OldSchema.migrate(url, List.of("db/region", "db/identity", "db/volume"), "080");
        try (Database database = Database.open(url, 2)) {
            assertThatThrownBy(() -> database.migrate(List.of("db/region", "db/identity")))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(
                            "the database is of a newer release (it has migration 080): start that"
                                    + " one");
        }
    }

    /** A database of the release before, with servers, becomes what it says now. */
    @Test
    void claimsBecomeAllocationsAndNodesProviders() {
        String url = PostgresFixture.newDatabase();
        List<String> folders =
                List.of("db/region", "db/identity", "db/image", "db/network", "db/compute");
        OldSchema.migrate(url, folders, "040");
        try (Database database = Database.open(url, 4)) {
            database.run(
                    handle -> {
                        handle.execute(
                                """
                                INSERT INTO node (name, vcpus, memory_mib, disk_mib, heartbeat_at)
                                VALUES ('a', 4, 8000, 100000, now() - interval '2 days 10 seconds'),
                                       ('b', 2, 4000, 0, now() - interval '2 days'),
                                       ('c', 1, 1000, 500, now() - interval '3 days'),
                                       ('never', 0, 0, 0, NULL)
                                """);
                        // Looked at in another order than that of the names; one not at all.
                        handle.execute("INSERT INTO compute_node (name) VALUES ('b'), ('a')");
                        handle.execute(
                                "INSERT INTO compute_node (name, enabled, disabled_reason)"
                                        + " VALUES ('c', false, 'broken')");
                        server(handle, "a", 2, 2048, 10, null);
                        server(handle, "a", 1, 512, 0, (3L << 20) + 1);
                        server(handle, "b", 3, 100, 0, null);
                        server(handle, null, 8, 16_384, 5, null);
                        handle.execute(
                                """
                                UPDATE compute_node c SET (claimed_vcpus, claimed_memory_mib) =
                                    (SELECT coalesce(sum(vcpus), 0), coalesce(sum(memory_mib), 0)
                                     FROM server WHERE node = c.name)
                                """);
                        handle.execute(
                                "UPDATE compute_node SET claimed_disk_mib = 10244 WHERE name = 'a'");
                    });
            String old =
                    """
                    SELECT n.name, c.id, c.number, n.vcpus, n.memory_mib, n.disk_mib,
                           c.claimed_vcpus, c.claimed_memory_mib, c.claimed_disk_mib
                    FROM node n JOIN compute_node c USING (name) ORDER BY name
                    """;
            List<String> before = rows(database, old);
            assertThat(before).hasSize(3);
            database.migrate(folders);
            assertThat(
                            rows(
                                    database,
                                    """
                                    SELECT p.name, p.id, p.number,
                                           coalesce(max(i.total) FILTER (WHERE i.resource_class = 'VCPU'), 0),
                                           coalesce(max(i.total) FILTER (WHERE i.resource_class = 'MEMORY_MB'), 0),
                                           coalesce(max(i.total) FILTER (WHERE i.resource_class = 'DISK_MB'), 0),
                                           coalesce(max(u.used) FILTER (WHERE u.resource_class = 'VCPU'), 0),
                                           coalesce(max(u.used) FILTER (WHERE u.resource_class = 'MEMORY_MB'), 0),
                                           coalesce(max(u.used) FILTER (WHERE u.resource_class = 'DISK_MB'), 0)
                                    FROM resource_provider p
                                    LEFT JOIN inventory i ON i.provider_id = p.id
                                    LEFT JOIN (SELECT provider_id, resource_class, sum(used) AS used
                                               FROM allocation GROUP BY 1, 2) u
                                        ON u.provider_id = p.id
                                    WHERE p.name <> 'never'
                                    GROUP BY p.id ORDER BY p.name
                                    """))
                    .isEqualTo(before);
            assertThat(rows(database, "SELECT number FROM resource_provider WHERE name = 'never'"))
                    .containsExactly("(4)");
            // Up are those that were up when the region was last at work, whenever that was.
            assertThat(rows(database, "SELECT name FROM node WHERE up ORDER BY name"))
                    .containsExactly("(a)", "(b)");
            assertThat(rows(database, "SELECT node, reason FROM disabled_node"))
                    .containsExactly("(c,broken)");
            assertThat(
                            rows(
                                    database,
                                    "SELECT count(*) FROM allocation WHERE consumer_id IN (SELECT id"
                                            + " FROM server WHERE node IS NULL)"))
                    .containsExactly("(0)");
            assertThat(
                            rows(
                                    database,
                                    "SELECT column_name FROM information_schema.columns WHERE"
                                            + " table_name = 'compute_node' OR (table_name = 'node'"
                                            + " AND column_name IN ('vcpus', 'memory_mib',"
                                            + " 'disk_mib', 'heartbeat_at', 'received_revision'))"))
                    .isEmpty();
            database.run(
                    handle -> {
                        handle.execute("INSERT INTO node (name) VALUES ('new')");
                        handle.execute("INSERT INTO resource_provider (name) VALUES ('new')");
                    });
            assertThat(rows(database, "SELECT number FROM resource_provider WHERE name = 'new'"))
                    .containsExactly("(5)");
        }
    }

    /** Addresses as older releases took them are shown as one that is given today. */
    @Test
    void accessAddressesBecomeNormal() {
        String url = PostgresFixture.newDatabase();
        List<String> folders = List.of("db/region", "db/network", "db/compute");
        OldSchema.migrate(url, folders, "061");
        List<String> written =
                List.of(
                        "",
                        "fe80:0:0::1",
                        "2001:DB8:0:0:1:0:0:1",
                        "2001:db8:0:1:1:1:1:1",
                        "::",
                        "::0:1",
                        "0::192.0.2.9",
                        "::1:0",
                        "::ffff:c000:209",
                        "64:ff9b::192.0.2.9",
                        // Never addresses, and yet taken.
                        ":::",
                        "1:2:3:4:5:6:7:8:9",
                        "12345::");
        try (Database database = Database.open(url, 4)) {
            database.run(
                    handle -> {
                        for (String address : written) {
                            server(handle, null, 1, 1, 0, null);
                            handle.execute(
                                    "UPDATE server SET access_ipv6 = ?, name = '' WHERE name = 's'",
                                    address);
                        }
                    });
            database.migrate(folders);
            List<String> normal =
                    database.read(
                            handle ->
                                    handle.createQuery(
                                                    "SELECT access_ipv6 FROM server ORDER BY"
                                                            + " number")
                                            .mapTo(String.class)
                                            .list());
            assertThat(normal)
                    .isEqualTo(
                            written.stream()
                                    .map(address -> Ipv6.normalize(address).orElse(""))
                                    .toList());
        }
    }

    /** What nodes said before is for administrators; what the region said is as before. */
    @Test
    void whatNodesSaidBecomesDetails() {
        String url = PostgresFixture.newDatabase();
        List<String> folders = List.of("db/region", "db/network", "db/compute");
        OldSchema.migrate(url, folders, "071");
        try (Database database = Database.open(url, 4)) {
            database.run(
                    handle -> {
                        server(handle, null, 1, 1, 0, null);
                        for (String fault :
                                List.of("QEMU ended: /run/x", "No valid host was found. (of 1)")) {
                            server(handle, null, 1, 1, 0, null);
                            handle.execute(
                                    "UPDATE server SET fault_message = ? WHERE number ="
                                            + " (SELECT max(number) FROM server)",
                                    fault);
                        }
                    });
            database.migrate(folders);
            assertThat(
                            rows(
                                    database,
                                    "SELECT fault_message, fault_details FROM server ORDER BY"
                                            + " number"))
                    .containsExactly(
                            "(,)",
                            "(\"The server could not be run on its node.\",\"QEMU ended:"
                                    + " /run/x\")",
                            "(\"No valid host was found. (of 1)\",)");
        }
    }

    private static void server(
            Handle handle,
            @Nullable String node,
            int vcpus,
            long memoryMib,
            int diskGib,
            @Nullable Long rootBytes) {
        handle.createUpdate(
                        """
                        INSERT INTO server (id, project_id, user_id, name, hostname, reservation_id,
                            launch_index, image_id, kernel_image_id, kernel_sha256,
                            kernel_size_bytes, initrd_image_id, initrd_sha256, initrd_size_bytes,
                            command_line, flavor_id, flavor_name, memory_mib, vcpus, disk_gib,
                            ephemeral_gib, swap_mib, flavor_properties, vm_state, task_state, wish,
                            node, root_sha256, root_size_bytes)
                        VALUES (gen_random_uuid(), 'p', 'u', 's', 's', 'r-1', 0, 'i', 'k', '', 1,
                            'i', '', 1, '', 'f', 'f', :memory, :vcpus, :disk, 0, 0, '{}', 'active',
                            'none', 'on', :node, CAST(:root AS text), :root)
                        """)
                .bind("memory", memoryMib)
                .bind("vcpus", vcpus)
                .bind("disk", diskGib)
                .bindByType("node", node, String.class)
                .bindByType("root", rootBytes, Long.class)
                .execute();
    }

    private static List<String> rows(Database database, String sql) {
        return database.read(
                handle ->
                        handle.createQuery("SELECT CAST(r AS text) FROM (" + sql + ") r")
                                .mapTo(String.class)
                                .list());
    }
}
