/**
 * The network service: the intent of networks, subnets, ports, routers and security groups in SQL,
 * and the ports that other services ask for. Uses region alone; OVN is the business of northbound.
 */
@org.jspecify.annotations.NullMarked
// The package of the migrations holds no classes, and Flyway finds them only if it is open.
@SuppressWarnings("opens")
module dev.iod.network {
    requires static transitive org.jspecify;
    requires transitive dev.iod.region;

    exports dev.iod.network;

    opens db.network;
}
