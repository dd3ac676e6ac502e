/**
 * The block storage service: volumes, which outlive servers, and their part of the goal of each
 * node. Uses image for what volumes start as, and region.
 */
@org.jspecify.annotations.NullMarked
// The package of the migrations holds no classes, and Flyway finds them only if it is open.
@SuppressWarnings("opens")
module dev.iod.volume {
    requires static transitive org.jspecify;
    requires transitive dev.iod.image;
    requires transitive dev.iod.region;
    requires dev.iod.node;

    exports dev.iod.volume;

    opens db.volume;
    // Jdbi makes records of rows.
    opens dev.iod.volume to
            org.jdbi.v3.core;
}
