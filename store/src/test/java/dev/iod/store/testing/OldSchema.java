package dev.iod.store.testing;

import dev.iod.store.Database;
import java.util.Collection;
import org.flywaydb.core.Flyway;

/** Databases as older releases left them. */
public final class OldSchema {
    private OldSchema() {}

    /**
     * Brings a database's schema to where a release was.
     *
     * @param version of that release's last migration, such as {@code 025}
     */
    public static void migrate(String url, Collection<String> folders, String version) {
        Flyway.configure(Database.class.getClassLoader())
                .dataSource(url, null, null)
                .locations(
                        folders.stream()
                                .map(folder -> "classpath:" + folder)
                                .toArray(String[]::new))
                .target(version)
                .load()
                .migrate();
    }
}
