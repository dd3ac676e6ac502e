package dev.iod.block;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.engine.FrameChannel;
import dev.iod.engine.FrameChannel.Frame;
import dev.iod.engine.WireReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;

/**
 * The agent's end of the engine's control socket: one connection, one command at a time. Commands
 * wait for their outcome; what was not done is a {@link EngineException}. After UNAVAILABLE a new
 * client is made; every command may be sent again, since doing it twice does no harm or is a
 * CONFLICT.
 */
public final class BlockClient implements AutoCloseable {
    private final FrameChannel channel;
    private int exchange;

    private BlockClient(FrameChannel channel) {
        this.channel = channel;
    }

    /**
     * Connects.
     *
     * @param name how this agent calls itself in the engine's log
     */
    public static BlockClient connect(Path socket, String name) {
        try {
            SocketChannel connection = SocketChannel.open(StandardProtocolFamily.UNIX);
            FrameChannel frames = new FrameChannel(connection);
            try {
                connection.connect(UnixDomainSocketAddress.of(socket));
                frames.send(FrameChannel.HELLO, 0, FrameChannel.hello(CommandCodec.VERSION, name));
                FrameChannel.readHello(frames.receive(), CommandCodec.VERSION);
                return new BlockClient(frames);
            } catch (IOException | EngineException e) {
                frames.close();
                throw e;
            }
        } catch (IOException e) {
            throw lost(e);
        }
    }

    /** A command that has no answer but its success. */
    public void run(Command command) {
        ask(command);
    }

    public List<VolumeStatus> list() {
        return volumes(new Command.List());
    }

    public VolumeStatus status(String name) {
        return volumes(new Command.Status(name)).getFirst();
    }

    public PoolSpace space() {
        if (ask(new Command.Space()) instanceof Answer.Space(PoolSpace space)) {
            return space;
        }
        throw misunderstood();
    }

    /** Where the bytes of a snapshot or image are. */
    public Path file(String name) {
        if (ask(new Command.File(name)) instanceof Answer.File(Path path)) {
            return path;
        }
        throw misunderstood();
    }

    private List<VolumeStatus> volumes(Command command) {
        if (ask(command) instanceof Answer.Volumes(List<VolumeStatus> volumes)) {
            return volumes;
        }
        throw misunderstood();
    }

    private static EngineException misunderstood() {
        return WireReader.malformed("an answer to another question");
    }

    private synchronized Answer ask(Command command) {
        try {
            Frame question = CommandCodec.write(command, ++exchange);
            channel.send(question.type(), question.exchange(), question.body());
            Frame answer = channel.receive();
            if (answer.exchange() != question.exchange()) {
                throw misunderstood();
            }
            return CommandCodec.readAnswer(answer);
        } catch (IOException e) {
            throw lost(e);
        }
    }

    private static EngineException lost(IOException e) {
        return new EngineException(
                Category.UNAVAILABLE, "the block engine's connection: " + e.getMessage(), e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw lost(e);
        }
    }
}
