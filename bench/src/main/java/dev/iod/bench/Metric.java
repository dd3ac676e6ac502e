package dev.iod.bench;

import com.fasterxml.jackson.annotation.JsonValue;

/** What the figures of a bench stand for. */
enum Metric {
    THROUGHPUT("throughput", "Mpps", true),
    CONNECTIONS("new connections", "1000/s", true),
    PACKET_CPU("CPU time", "ns/packet", false),
    DELAY("longest delay", "ms", false),
    /** The same for as long, in the same round, while nothing changed. */
    FLOOR("longest delay while nothing changes", "ms", false),
    ABOVE_FLOOR("longest delay above that", "ms", false),
    /**
     * What is left of delays when each is counted to the last look at which the frame was not
     * there.
     */
    SURE_DELAY("longest delay less own stops", "ms", false),
    SURE_FLOOR("the same while nothing changes", "ms", false),
    SURE_ABOVE("longest delay less own stops above that", "ms", false),
    STALL("longest stop of a thread that only spins", "ms", false),
    /**
     * What a delay may come from ({@link EngineWatch}), and what the measuring thread itself stood
     * still.
     */
    JVM_PAUSE("longest pause of the JVM", "ms", false),
    NO_PROCESSOR("packet thread had no processor, in all", "ms", false),
    OWN_STOP("measuring thread stood still", "ms", false),
    REQUESTS("requests", "1000/s", true),
    REQUEST_CPU("CPU time", "us/request", false),
    /** Of the client's time from offering a request to seeing its answer, as the two below. */
    MEDIAN_LATENCY("latency p50", "us", false),
    P99_LATENCY("latency p99", "us", false),
    P999_LATENCY("latency p99.9", "us", false),
    /** How often threads of the process went to sleep (proc(5), voluntary_ctxt_switches). */
    SLEEPS("sleeps", "a request", false),
    /** CPU time per request of an encrypted volume less that of a plain one in the same round. */
    CIPHER_CPU("CPU time added", "us/request", false),
    /** What a limited volume did, of what it may. */
    OF_LIMIT("of the limit", "%", true),
    COMMAND("time", "ms", false),
    /** Of the process that learns from OVN's southbound database, and of the switch it tells. */
    CHASSIS_CPU("CPU time of the chassis", "ms", false),
    SWITCH_CPU("CPU time of the switch", "ms", false),
    /** Of the southbound database's server, which serves the chassis what it asks for. */
    SERVER_CPU("CPU time of the database's server", "ms", false),
    /** From the northbound database to the southbound one: the same for both sides. */
    NORTHD("northd before that", "ms", false),
    CHASSIS_PSS("memory of the chassis, PSS", "MiB", false),
    CHASSIS_RSS("memory of the chassis, RSS", "MiB", false),
    CHASSIS_PEAK("memory of the chassis, most RSS", "MiB", false),
    SWITCH_PSS("memory of the switch, PSS", "MiB", false),
    SWITCH_RSS("memory of the switch, RSS", "MiB", false),
    OF_WARM("of what it does when warm", "%", true),
    IDLE_CPU("idle CPU", "% of a core", false);

    final String label;
    final String unit;
    final boolean moreIsBetter;

    Metric(String label, String unit, boolean moreIsBetter) {
        this.label = label;
        this.unit = unit;
        this.moreIsBetter = moreIsBetter;
    }

    /** How it is named among the values of a run. */
    @JsonValue
    String text() {
        return label + ", " + unit;
    }
}
