package dev.iod.eswitch;

import dev.iod.engine.ControlServer;
import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.engine.FrameChannel;
import dev.iod.engine.FrameChannel.Frame;
import dev.iod.engine.WireReader;
import dev.iod.engine.WireWriter;
import dev.iod.eswitch.rules.EntityStore;
import dev.iod.eswitch.rules.EntityStore.Change;
import dev.iod.pipeline.EntityCodec;
import dev.iod.pipeline.FrameType;
import dev.iod.pipeline.ReportCodec;
import dev.iod.pipeline.ReportCodec.Query;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one agent asks, in order: transactions and queries. When it goes away, or sends nonsense,
 * its open transaction is forgotten.
 */
final class AgentSession implements ControlServer.Session {
    private final EngineControl control;
    private final FrameChannel channel;
    private @Nullable List<Change> open;
    private boolean replace;

    AgentSession(EngineControl control, FrameChannel channel) {
        this.control = control;
        this.channel = channel;
    }

    @Override
    public void receive(Frame frame) throws IOException {
        FrameType type = FrameType.of(frame);
        switch (type) {
            case BEGIN -> {
                open = new ArrayList<>();
                replace = frame.reader().bool();
            }
            case PUT -> add(new Change.Put(EntityCodec.read(frame.reader())));
            case REMOVE -> add(new Change.Remove(EntityCodec.readKey(frame.reader())));
            case COMMIT -> commit(frame.exchange());
            case QUERY -> query(frame);
            case DONE, FAILED, ANSWER, EVENT ->
                    throw WireReader.malformed("an agent does not send " + type);
        }
    }

    private void add(Change change) {
        List<Change> changes = open;
        if (changes == null) {
            throw WireReader.malformed("a change outside a transaction");
        }
        if (changes.size() >= EntityStore.MAX_ROWS) {
            throw new EngineException(
                    Category.LIMIT, "more than " + EntityStore.MAX_ROWS + " changes at once");
        }
        changes.add(change);
    }

    private void commit(int exchange) throws IOException {
        List<Change> changes = open;
        open = null;
        if (changes == null) {
            throw WireReader.malformed("a commit without a transaction");
        }
        try {
            control.apply(changes, replace);
            channel.send(FrameType.DONE.code(), exchange, new byte[0]);
        } catch (EngineException e) {
            fail(exchange, e);
        }
    }

    private void query(Frame frame) throws IOException {
        try {
            Query query = ReportCodec.readQuery(frame.reader());
            byte[] body = ReportCodec.writeReport(control.answer(query));
            channel.send(FrameType.ANSWER.code(), frame.exchange(), body);
        } catch (EngineException e) {
            fail(frame.exchange(), e);
        }
    }

    private void fail(int exchange, EngineException e) throws IOException {
        byte[] body =
                new WireWriter()
                        .u8(e.category().code())
                        .text(String.valueOf(e.getMessage()))
                        .toArray();
        channel.send(FrameType.FAILED.code(), exchange, body);
    }
}
