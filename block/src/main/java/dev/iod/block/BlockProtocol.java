package dev.iod.block;

import dev.iod.engine.ControlServer;
import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.engine.FrameChannel;
import dev.iod.engine.FrameChannel.Frame;
import java.lang.System.Logger.Level;

/** The block engine's side of its control socket: each frame a command, each answered by one. */
record BlockProtocol(BlockEngine blocks) implements ControlServer.Protocol {
    private static final System.Logger LOG = System.getLogger(BlockProtocol.class.getName());

    /** Longest message on the wire, characters. */
    private static final int MAX_MESSAGE = 2000;

    @Override
    public String engine() {
        return "block";
    }

    @Override
    public int version() {
        return CommandCodec.VERSION;
    }

    @Override
    public ControlServer.Session open(FrameChannel agent) {
        return question -> {
            Frame answer = answer(question);
            agent.send(answer.type(), answer.exchange(), answer.body());
        };
    }

    private Frame answer(Frame frame) {
        try {
            return CommandCodec.write(
                    blocks.run(CommandCodec.readCommand(frame)), frame.exchange());
        } catch (EngineException e) {
            return failed(e.category(), String.valueOf(e.getMessage()), frame);
        } catch (RuntimeException e) {
            // One command met a defect: volumes are served on, the agent learns that it failed.
            LOG.log(Level.ERROR, "a command failed", e);
            return failed(Category.FAILED, String.valueOf(e), frame);
        }
    }

    private static Frame failed(Category category, String message, Frame question) {
        String shown = message.substring(0, Math.min(message.length(), MAX_MESSAGE));
        return CommandCodec.failed(category, shown, question.exchange());
    }
}
