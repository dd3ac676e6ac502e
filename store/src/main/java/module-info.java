/**
 * The region's PostgreSQL: connections, transactions, migrations, lists and notifications. Knows
 * neither HTTP nor any table; uses no module of ours.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.store {
    requires static transitive org.jspecify;
    requires com.zaxxer.hikari;
    requires flyway.core;
    requires transitive java.sql;
    requires transitive org.jdbi.v3.core;
    // Jdbi needs it and, being an automatic module, cannot say so.
    requires io.leangen.geantyref;
    requires org.postgresql.jdbc;
    requires tools.jackson.databind;

    // To the PostgreSQL driver too, which makes our socket factory by its name.
    exports dev.iod.store;
}
