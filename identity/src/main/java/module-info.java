/** The identity service: projects, users, roles, tokens and the catalog. Uses region alone. */
@org.jspecify.annotations.NullMarked
// The package of the migrations holds no classes, and Flyway finds them only if it is open.
@SuppressWarnings("opens")
module dev.iod.identity {
    requires static transitive org.jspecify;
    requires transitive dev.iod.region;

    exports dev.iod.identity;

    opens db.identity;
    // Jdbi makes records of rows.
    opens dev.iod.identity to
            org.jdbi.v3.core;
}
