package dev.iod.eswitch.forward;

import dev.iod.eswitch.caches.FlowOutput;
import dev.iod.eswitch.connections.Conntrack;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.rules.CompiledRule;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.EngineReport.AssumedConnection;
import dev.iod.pipeline.EngineReport.TraceOutput;
import dev.iod.pipeline.EngineReport.TraceStep;
import dev.iod.sys.Memory;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes down what the pipeline would do to a packet. */
final class Tracer implements Effects {
    private static final int MAX_STEPS = 2000;
    private static final int MAX_OUTPUTS = 256;

    /** By bit, as ovs-fields(7) names them. */
    private static final String[] CT_STATES = {"new", "est", "rel", "rpl", "inv", "trk"};

    private final List<AssumedConnection> assumed;
    private final List<TraceStep> steps = new ArrayList<>();
    private final List<TraceOutput> outputs = new ArrayList<>();
    private int lookups;
    private int datapath;
    private Stage stage = Stage.INGRESS;
    private int table;

    Tracer(List<AssumedConnection> assumed) {
        this.assumed = assumed;
    }

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
    public void tracked(Packet p, int zone) {
        StringBuilder state = new StringBuilder();
        for (int bit = 0; bit < CT_STATES.length; bit++) {
            if ((p.ctState & 1 << bit) != 0) {
                state.append(state.isEmpty() ? "" : "|").append(CT_STATES[bit]);
            }
        }
        String mark = p.ctMark == 0 ? "" : " mark=" + Integer.toUnsignedString(p.ctMark);
        note("conntrack zone " + zone + ": " + state + mark);
    }

    @Override
    public void toDevice(Packet p, int device) {
        note("output to device " + device + ", port " + Long.toHexString(p.outPort));
        output(p, device, 0, p.outPort);
    }

    @Override
    public void toTunnel(Packet p, int address, long egressKey) {
        note(
                "output to tunnel "
                        + Integer.toHexString(address)
                        + ", port "
                        + Long.toHexString(egressKey));
        output(p, EngineReport.UPLINK, address, egressKey);
    }

    private void output(Packet p, int device, int address, long port) {
        if (outputs.size() < MAX_OUTPUTS) {
            var frame = new byte[p.length];
            Memory.copyToArray(p.address, frame, 0, p.length);
            outputs.add(new TraceOutput(device, address, port, frame));
        }
    }

    @Override
    public boolean assumeConnection(Packet p) {
        if (assumed.isEmpty()) {
            return false;
        }
        AssumedConnection answer = assumed.get(Math.min(lookups, assumed.size() - 1));
        lookups++;
        p.clearConnection();
        p.ctState = Conntrack.TRACKED | answer.state();
        p.ctMark = answer.mark();
        return true;
    }

    @Override
    public void send(Packet p, FlowOutput output, boolean last) {
        note(output.toString()); // Not reached: a trace follows no known path.
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
        return new EngineReport.Trace(List.copyOf(steps), List.copyOf(outputs));
    }
}
