package dev.iod.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.identity.TokenService;
import dev.iod.image.ImageFiles;
import dev.iod.image.ImageService;
import dev.iod.region.ConnectedNodes;
import dev.iod.region.Services;
import dev.iod.store.Database;
import dev.iod.store.testing.PostgresFixture;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.TreeMap;
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
                    Map.entry("023", -1466523283));

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
                            new ImageService(database, new ImageFiles(images), clock),
                            new ConnectedNodes(),
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
}
