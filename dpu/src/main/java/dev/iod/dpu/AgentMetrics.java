package dev.iod.dpu;

import dev.iod.ovn.Chassis;
import dev.iod.runtime.Metrics;
import io.prometheus.metrics.core.metrics.Counter;
import java.util.EnumMap;
import java.util.Map;

/** The agent's metrics: its counters, and gauges of its chassis. Safe for any thread. */
final class AgentMetrics {
    /** One counter each. */
    enum Count {
        GOALS("iod_dpu_goals_total", "Goals received from the region."),
        SESSIONS("iod_dpu_sessions_total", "Conversations begun with the region."),
        PASSES("iod_dpu_passes_total", "Passes of the reconciler that were completed."),
        FAILED_PASSES("iod_dpu_failed_passes_total", "Passes that were cut off by a failure."),
        STARTS("iod_dpu_machine_starts_total", "Machines virtDaemon was told to start."),
        DEVICE_CHANGES(
                "iod_dpu_device_changes_total",
                "Times virtDaemon was told other devices of a running machine."),
        REMOVALS("iod_dpu_machine_removals_total", "Machines virtDaemon was told to remove."),
        CONSOLES("iod_dpu_consoles_total", "Consoles virtDaemon was asked for."),
        IMAGE_BYTES("iod_dpu_image_bytes_total", "Bytes of images received from the region."),
        CAPTURE_BYTES(
                "iod_dpu_capture_bytes_total",
                "Bytes of disks sent to the region, without their zeros."),
        METADATA_FOUND("iod_dpu_metadata_found_total", "Metadata requests that were answered."),
        METADATA_NOT_FOUND(
                "iod_dpu_metadata_not_found_total",
                "Metadata requests for a path that is not there or by an unknown client.");

        private final String metric;
        private final String help;

        Count(String metric, String help) {
            this.metric = metric;
            this.help = help;
        }
    }

    private final Metrics metrics;
    private final Map<Count, Counter> counters = new EnumMap<>(Count.class);

    AgentMetrics(Metrics metrics) {
        this.metrics = metrics;
        for (Count count : Count.values()) {
            counters.put(count, metrics.counter(count.metric, count.help));
        }
    }

    void add(Count count) {
        add(count, 1);
    }

    void add(Count count, long amount) {
        Counter counter = counters.get(count);
        if (counter != null) {
            counter.inc(amount);
        }
    }

    void show(Chassis chassis) {
        metrics.gauge(
                "iod_chassis_connected",
                "Whether the southbound database's rows are current.",
                () -> chassis.status().connected() ? 1 : 0);
        metrics.gauge(
                "iod_chassis_logical_flows",
                "Logical flows of this chassis' networks.",
                () -> chassis.status().flows());
        metrics.gauge(
                "iod_chassis_refused_flows",
                "Logical flows not executed: packets that meet them are dropped.",
                () -> chassis.status().refusedCount());
        metrics.gauge(
                "iod_chassis_engine_rows",
                "Rows of the engine's tables.",
                () -> chassis.status().entities());
    }
}
