/**
 * What all services of a region share: the record of a service, actors, quotas, collections, audit,
 * and the nodes with their sessions and goals. Uses rest and store, the node contract and runtime;
 * knows no service.
 */
@org.jspecify.annotations.NullMarked
// The package of the migrations holds no classes, and Flyway finds them only if it is open.
@SuppressWarnings("opens")
module dev.iod.region {
    requires static transitive org.jspecify;
    requires transitive dev.iod.rest;
    requires transitive dev.iod.store;
    requires transitive dev.iod.node;
    requires transitive dev.iod.pki;
    requires transitive dev.iod.runtime;

    exports dev.iod.region;

    opens db.region;
}
