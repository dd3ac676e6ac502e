package dev.iod.cli;

import dev.iod.cli.Southbound.Datapath;
import dev.iod.cli.Southbound.Flow;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.EngineReport.TraceOutput;
import dev.iod.pipeline.EngineReport.TraceStep;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A packet's path, explained.
 *
 * @param result "delivered" or "dropped"
 * @param reason of the drop, by {@code DropReason}; empty when delivered
 * @param slowPath why the next such packet meets the rules again, by {@code Counter}; empty when it
 *     does not
 */
record TraceReport(
        String port,
        String node,
        String packet,
        List<Step> steps,
        List<Output> outputs,
        String result,
        String reason,
        String slowPath) {
    private static final String DROPPED = "dropped: ";
    private static final String SLOW = "slow path: ";
    private static final int PREFIX = 8;
    private static final int SHOWN = 160;

    /**
     * One stage, or what happened in it.
     *
     * @param datapath switch or router, with its name
     * @param flow uuid of the logical flow that matched; empty for a note
     */
    record Step(
            String datapath,
            String pipeline,
            int table,
            String stage,
            int priority,
            String flow,
            String match,
            String actions,
            String note) {}

    /**
     * Where the packet left.
     *
     * @param to a port, or the chassis at the other end of a tunnel
     * @param changes header fields that differ from what was sent
     */
    record Output(String to, String changes, String packet) {}

    static TraceReport of(
            GuestPort from,
            byte[] frame,
            EngineReport.Trace trace,
            EngineReport.Devices devices,
            Southbound southbound,
            GuestPorts ports) {
        Map<String, Flow> flows =
                southbound.flows(
                        trace.steps().stream()
                                .map(TraceStep::cookie)
                                .filter(cookie -> !cookie.isEmpty())
                                .toList());
        Map<Integer, Datapath> datapaths = southbound.datapaths();
        List<Step> steps = new ArrayList<>();
        String reason = "";
        String slowPath = "";
        for (TraceStep step : trace.steps()) {
            if (step.what().startsWith(SLOW)) {
                slowPath = step.what().substring(SLOW.length());
                continue;
            }
            if (step.what().startsWith(DROPPED)) {
                reason = step.what().substring(DROPPED.length());
            }
            steps.add(step(step, flows, datapaths));
        }
        List<Output> outputs = outputs(frame, trace, devices, southbound, ports);
        boolean delivered = !outputs.isEmpty();
        return new TraceReport(
                from.id(),
                from.node(),
                FrameText.text(frame),
                steps,
                outputs,
                delivered ? "delivered" : "dropped",
                delivered ? "" : reason,
                slowPath);
    }

    private static Step step(
            TraceStep step, Map<String, Flow> flows, Map<Integer, Datapath> datapaths) {
        Datapath datapath =
                datapaths.getOrDefault(
                        step.datapath(),
                        new Datapath("datapath", Integer.toString(step.datapath())));
        Optional<Flow> flow = Optional.ofNullable(flows.get(step.cookie()));
        boolean rule = !step.cookie().isEmpty();
        return new Step(
                datapath.kind() + " " + datapath.name(),
                step.stage().name().toLowerCase(Locale.ROOT),
                step.table(),
                flow.map(Flow::stage).orElse(""),
                flow.map(Flow::priority).orElse(0),
                step.cookie(),
                flow.map(Flow::match).orElse(rule ? "(the flow is gone by now)" : ""),
                flow.map(Flow::actions).orElse(rule ? step.what() : ""),
                rule ? "" : step.what());
    }

    private static List<Output> outputs(
            byte[] frame,
            EngineReport.Trace trace,
            EngineReport.Devices devices,
            Southbound southbound,
            GuestPorts ports) {
        Map<Integer, String> names = new HashMap<>();
        devices.devices().forEach(device -> names.put(device.id(), device.name()));
        List<Output> outputs = new ArrayList<>();
        Map<String, String> chassis = trace.outputs().isEmpty() ? Map.of() : southbound.chassis();
        for (TraceOutput output : trace.outputs()) {
            String to;
            if (output.device() == EngineReport.UPLINK) {
                byte[] address = ByteBuffer.allocate(4).putInt(output.tunnelAddress()).array();
                String text = FrameText.address(address, 0, 4);
                to = "the tunnel to " + chassis.getOrDefault(text, "a chassis") + " (" + text + ")";
            } else {
                String name = names.getOrDefault(output.device(), "device " + output.device());
                to = ports.byId(name).map(GuestPort::label).orElse(name);
            }
            outputs.add(
                    new Output(
                            to,
                            FrameText.changes(frame, output.frame()),
                            FrameText.text(output.frame())));
        }
        return outputs;
    }

    void print() {
        System.out.println(packet);
        String where = "";
        for (Step step : steps) {
            String now = step.datapath + ", " + step.pipeline;
            if (!now.equals(where)) {
                System.out.println(now);
                where = now;
            }
            if (step.flow.isEmpty()) {
                System.out.println("       " + step.note);
                continue;
            }
            System.out.printf(
                    "  %2d  %-26s %5d  %s  %s%n",
                    step.table,
                    step.stage,
                    step.priority,
                    step.flow.substring(0, Math.min(PREFIX, step.flow.length())),
                    cut(step.match));
            if (!step.actions.equals("next;")) {
                System.out.println("        => " + cut(step.actions));
            }
        }
        for (Output output : outputs) {
            System.out.println(
                    "result: delivered to "
                            + output.to
                            + (output.changes.isEmpty()
                                    ? ", unchanged"
                                    : " with " + output.changes));
        }
        if (outputs.isEmpty()) {
            System.out.println("result: dropped, " + reason + lastFlow());
        }
        System.out.println(
                slowPath.isEmpty()
                        ? "cached: the next such packet meets no rule"
                        : "slow path: the next such packet meets the rules again, " + slowPath);
    }

    /** The flow after which there was nothing more. */
    private String lastFlow() {
        for (Step step : steps.reversed()) {
            if (!step.stage.isEmpty()) {
                return " in " + step.stage + " of " + step.datapath;
            }
        }
        return "";
    }

    private static String cut(String text) {
        return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + " ...";
    }
}
