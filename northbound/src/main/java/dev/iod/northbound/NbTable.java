package dev.iod.northbound;

import java.util.Optional;

/**
 * The tables of OVN's northbound schema that are written, in the order in which rows can be made: a
 * row refers only to rows of earlier tables, or of its own.
 */
enum NbTable {
    DHCP_OPTIONS("DHCP_Options"),
    LOGICAL_SWITCH("Logical_Switch"),
    LOGICAL_SWITCH_PORT("Logical_Switch_Port", LOGICAL_SWITCH, "ports"),
    LOGICAL_ROUTER("Logical_Router"),
    LOGICAL_ROUTER_PORT("Logical_Router_Port", LOGICAL_ROUTER, "ports"),
    PORT_GROUP("Port_Group"),
    ACL("ACL", PORT_GROUP, "acls");

    /**
     * Rows of a table that is not a root (RFC 7047 §3.2) live as long as a parent refers to them.
     *
     * @param column the parent's column of references
     */
    record Parent(NbTable table, String column) {}

    private final String schemaName;
    private final Optional<Parent> parent;

    NbTable(String schemaName) {
        this.schemaName = schemaName;
        this.parent = Optional.empty();
    }

    NbTable(String schemaName, NbTable parent, String column) {
        this.schemaName = schemaName;
        this.parent = Optional.of(new Parent(parent, column));
    }

    /** The table of that name in the schema, if it is one that is written. */
    static Optional<NbTable> of(String schemaName) {
        for (NbTable table : values()) {
            if (table.schemaName.equals(schemaName)) {
                return Optional.of(table);
            }
        }
        return Optional.empty();
    }

    String schemaName() {
        return schemaName;
    }

    Optional<Parent> parent() {
        return parent;
    }
}
