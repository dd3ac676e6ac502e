package dev.iod.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The region's PostgreSQL: its data and who may connect.
 *
 * @param user the system user that the server runs as, and its superuser
 */
record Postgres(Layout layout, String user) {
    /** Makes what the server needs to start. @return whether anything was missing */
    boolean create() {
        Path postgres = layout.postgres();
        Layout.write(postgres.resolve("pg_hba.conf"), "local all all peer map=iod\n", false, false);
        Layout.write(
                postgres.resolve("pg_ident.conf"),
                "iod root iod\niod root USER\niod USER USER\n".replace("USER", user),
                false,
                false);
        Path data = postgres.resolve("data");
        if (Files.exists(data.resolve("PG_VERSION"))) {
            return false;
        }
        Trees.delete(data);
        Layout.directory(data);
        Layout.directory(postgres.resolve("socket"));
        Shell.run("chown", "-R", user + ":", postgres.toString());
        List<String> initdb =
                List.of(
                        Services.initdb(),
                        "-D",
                        data.toString(),
                        "-E",
                        "UTF8",
                        "--locale=C.UTF-8",
                        "-A",
                        "peer");
        Shell.run(asUser(initdb).toArray(String[]::new));
        return true;
    }

    /** A command, run as the server's user. */
    List<String> asUser(List<String> command) {
        List<String> words =
                new ArrayList<>(
                        List.of(
                                "setpriv",
                                "--reuid",
                                user,
                                "--regid",
                                user,
                                "--clear-groups",
                                "--"));
        words.addAll(command);
        return words;
    }

    boolean answers() {
        return Shell.attempt(psql("select 1")).ok();
    }

    /** Makes the region's database; the server has to answer. @return whether it was missing */
    boolean createDatabase() {
        if (Shell.run(psql("select 1 from pg_database where datname = 'iod'")).equals("1")) {
            return false;
        }
        if (Shell.run(psql("select 1 from pg_roles where rolname = 'iod'")).isEmpty()) {
            Shell.run(psql("create role iod login"));
        }
        Shell.run(psql("create database iod owner iod"));
        return true;
    }

    private String[] psql(String statement) {
        String socket = layout.postgres().resolve("socket").toString();
        return new String[] {"psql", "-h", socket, "-U", user, "-d", "postgres", "-Atc", statement};
    }
}
