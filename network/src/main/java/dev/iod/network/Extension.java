package dev.iod.network;

/** The extensions of Networking v2.0 that this service has; clients look before they ask. */
enum Extension {
    ADDRESS_PAIRS("allowed-address-pairs", "Allowed Address Pairs"),
    AVAILABILITY_ZONE("availability_zone", "Availability Zone"),
    BINDING("binding", "Port Binding"),
    FILTER_VALIDATION("filter-validation", "Filter parameters validation"),
    FIXED_IP_SUBSTRING("ip-substring-filtering", "IP address substring filtering"),
    NET_MTU("net-mtu", "Network MTU"),
    NET_MTU_WRITABLE("net-mtu-writable", "Network MTU (writable)"),
    PAGINATION("pagination", "Pagination support"),
    PORT_SECURITY("port-security", "Port Security"),
    PROJECT_ID("project-id", "project_id field enabled"),
    PROVIDER("provider", "Provider Network"),
    QUOTAS("quotas", "Quota management support"),
    QUOTA_DETAILS("quota_details", "Quota details management support"),
    ROUTER("router", "Neutron L3 Router"),
    SECURITY_GROUP("security-group", "security-group"),
    RULE_NORMALIZED_CIDR(
            "security-groups-normalized-cidr", "Normalized CIDR field for security group rules"),
    SORTING("sorting", "Sorting support"),
    DESCRIPTION("standard-attr-description", "standard-attr-description"),
    REVISIONS("standard-attr-revisions", "Resource revision numbers"),
    TIMESTAMP("standard-attr-timestamp", "Resource timestamps");

    /** When this set was last changed. */
    static final String UPDATED = "2026-12-01T00:00:00-00:00";

    private final String alias;
    private final String title;

    Extension(String alias, String title) {
        this.alias = alias;
        this.title = title;
    }

    String alias() {
        return alias;
    }

    String title() {
        return title;
    }
}
