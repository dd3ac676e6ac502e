package dev.iod.eswitch;

import dev.iod.eswitch.Action.Stage;
import dev.iod.eswitch.EngineReport.TraceStep;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes down what the pipeline would do to a packet. */
final class Tracer implements SlowPath.Effects {
    private static final int MAX_STEPS = 2000;

    private final List<TraceStep> steps = new ArrayList<>();
    private int datapath;
    private Stage stage = Stage.INGRESS;
    private int table;

    @Override
    public void visited(Packet p, Stage at, int number, @Nullable CompiledRule rule) {
        datapath = p.datapath;
        stage = at;
        table = number;
        if (rule == null) {
            step("", "no match");
        } else {
            step(
                    rule.rule().cookie(),
                    "priority " + rule.priority() + ": " + rule.rule().actions());
        }
    }

    @Override
    public void toDevice(Packet p, int device) {
        note("output to device " + device + ", port " + Long.toHexString(p.outPort));
    }

    @Override
    public void toTunnel(Packet p, int address, long egressKey) {
        note(
                "output to tunnel "
                        + Integer.toHexString(address)
                        + ", port "
                        + Long.toHexString(egressKey));
    }

    @Override
    public void dropped(Packet p, DropReason reason) {
        note("dropped: " + reason);
    }

    @Override
    public void neighborLearned(long port, Bits ip, long mac) {
        note("neighbour learned: " + Long.toHexString(mac));
    }

    @Override
    public void unsupported(String cookie, String what) {
        step(cookie, "unsupported: " + what);
    }

    void note(String what) {
        step("", what);
    }

    private void step(String cookie, String what) {
        if (steps.size() < MAX_STEPS) {
            steps.add(new TraceStep(datapath, stage, table, cookie, what));
        }
    }

    EngineReport.Trace report() {
        return new EngineReport.Trace(List.copyOf(steps));
    }
}
