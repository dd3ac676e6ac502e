/**
 * The compute service: servers, their placement on nodes, and the goal of each node. Uses region,
 * and of the image, network, block storage and console services what their interfaces offer.
 */
@org.jspecify.annotations.NullMarked
// The package of the migrations holds no classes, and Flyway finds them only if it is open.
@SuppressWarnings("opens")
module dev.iod.compute {
    requires static transitive org.jspecify;
    requires transitive dev.iod.console;
    requires transitive dev.iod.region;
    requires transitive dev.iod.image;
    requires transitive dev.iod.network;
    requires dev.iod.volume;
    requires dev.iod.node;
    requires org.apache.commons.codec;

    exports dev.iod.compute;

    opens db.compute;
    // Jdbi makes records of rows.
    opens dev.iod.compute to
            org.jdbi.v3.core;
}
