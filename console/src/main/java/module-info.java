/**
 * Consoles of servers for their users: one-time tokens, the WebSockets they open, the bytes between
 * those and the nodes, and the page with the display. Uses region.
 */
@org.jspecify.annotations.NullMarked
// The package of the migrations holds no classes, and Flyway finds them only if it is open.
@SuppressWarnings("opens")
module dev.iod.console {
    requires static transitive org.jspecify;
    requires transitive dev.iod.node;
    requires transitive dev.iod.region;

    exports dev.iod.console;

    opens db.console;
}
