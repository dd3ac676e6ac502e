package dev.iod.bench;

/** What can be measured. */
enum Case {
    /** 64-byte frames of one flow each way between two ports, no rules. */
    PORT_1FLOW("port-1flow", "plain"),
    /** 10,000 established UDP connections through security groups, requests and replies. */
    OVN_SG_10K("ovn-sg-10k", "sg"),
    /** First packets of UDP connections through security groups. */
    OVN_NEW_CONNECTIONS("ovn-new-connections", "sg");

    /** Established connections of {@link #OVN_SG_10K}. */
    static final int ESTABLISHED = 10_000;

    /** Connections of {@link #OVN_NEW_CONNECTIONS}: the first are to warm up. */
    static final int NEW = 700_000;

    final String label;
    private final String network;

    Case(String label, String network) {
        this.label = label;
        this.network = network;
    }

    /** The logical switch of a side. */
    String network(String side) {
        return network + "-" + side;
    }

    boolean secured() {
        return this != PORT_1FLOW;
    }
}
