/**
 * OVSDB client (RFC 7047 and the extensions of ovsdb-server(7)): an in-memory replica of chosen
 * tables, conditional monitors, typed transactions. Uses the JDK and a streaming JSON parser only.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.ovsdb {
    requires static transitive org.jspecify;
    requires tools.jackson.core;

    exports dev.iod.ovsdb;
}
