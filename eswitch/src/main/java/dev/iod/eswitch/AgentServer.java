package dev.iod.eswitch;

import dev.iod.engine.ControlServer;
import dev.iod.engine.FrameChannel;
import dev.iod.eswitch.forward.EventQueue;
import dev.iod.pipeline.EngineEvent;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.FrameType;
import dev.iod.pipeline.ReportCodec;
import dev.iod.pipeline.ReportCodec.Query;
import dev.iod.sys.Linux;
import java.io.IOException;
import java.nio.file.Path;

/** The engine's control socket, and the thread that hands events to all agents. */
final class AgentServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(AgentServer.class.getName());

    private final ControlServer server;
    private final EventQueue events;

    /** What agents ask for goes behind packets, and before guests no more than anybody else. */
    private static final int NICE = 0;

    private final Thread sender;

    private AgentServer(ControlServer server, EventQueue events) {
        this.server = server;
        this.events = events;
        this.sender =
                Thread.ofPlatform().daemon().name("control-events").unstarted(this::sendEvents);
    }

    /** Starts to listen; a socket file that is left over is replaced. */
    static AgentServer start(EngineControl control, EventQueue events, Path path)
            throws IOException {
        AgentServer agents =
                new AgentServer(ControlServer.start(new Protocol(control), path), events);
        agents.sender.start();
        return agents;
    }

    private record Protocol(EngineControl control) implements ControlServer.Protocol {
        @Override
        public String engine() {
            return "eswitch";
        }

        @Override
        public int version() {
            return FrameType.VERSION;
        }

        /** An agent is told which devices are up before anything else. */
        @Override
        public ControlServer.Session open(FrameChannel agent) throws IOException {
            Linux.prioritizeThread(NICE, 0);
            if (control.answer(new Query.Devices()) instanceof EngineReport.Devices devices) {
                for (EngineReport.DeviceStatus d : devices.devices()) {
                    EngineEvent event = new EngineEvent.DeviceState(d.id(), d.up());
                    agent.send(FrameType.EVENT.code(), 0, ReportCodec.writeEvent(event));
                }
            }
            return new AgentSession(control, agent);
        }
    }

    private void sendEvents() {
        try {
            while (true) {
                byte[] body = ReportCodec.writeEvent(events.take());
                server.broadcast(FrameType.EVENT.code(), body);
            }
        } catch (InterruptedException e) {
            LOG.log(System.Logger.Level.DEBUG, "stopping", e);
        }
    }

    @Override
    public void close() {
        server.close();
        sender.interrupt();
    }
}
