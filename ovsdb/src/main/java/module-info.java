/** OVSDB client (RFC 7047): schema-checked rows, transactions, conditional monitors. */
@org.jspecify.annotations.NullMarked
module dev.iod.ovsdb {
    requires static transitive org.jspecify;
    requires tools.jackson.core;
}
