/**
 * The region's control plane: identity, image, network and compute services and their reconcilers.
 */
@org.jspecify.annotations.NullMarked
// The package of the migrations holds no classes, and Flyway finds them only if it is open.
@SuppressWarnings("opens")
module dev.iod.control {
    requires static transitive org.jspecify;
    requires dev.iod.runtime;
    requires dev.iod.ovsdb;
    requires dev.iod.node;
    requires java.sql;
    requires java.logging;
    requires tools.jackson.databind;
    requires com.zaxxer.hikari;
    requires flyway.core;
    requires org.jdbi.v3.core;
    // Jdbi needs it and, being an automatic module, cannot say so.
    requires io.leangen.geantyref;
    requires org.postgresql.jdbc;
    requires io.helidon.webserver;

    exports dev.iod.control.db to
            org.postgresql.jdbc;

    opens db.migration;
}
