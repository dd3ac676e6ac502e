package dev.iod.block;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.engine.FrameChannel.Frame;
import dev.iod.engine.WireReader;
import dev.iod.engine.WireWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Commands and answers as frames: the type says which, the body holds the fields in their order.
 * Anything else is a PROTOCOL exception, or INVALID where a value is understood and not allowed.
 */
final class CommandCodec {
    /** Names protocol and version; both ends say it first. */
    static final int VERSION = 0x1d0d_b002;

    private static final int CREATE = 1;
    private static final int CLONE = 2;
    private static final int SNAPSHOT = 3;
    private static final int FILL = 4;
    private static final int RESIZE = 5;
    private static final int DELETE = 6;
    private static final int ATTACH = 7;
    private static final int DETACH = 8;
    private static final int LIMIT = 9;
    private static final int LIST = 10;
    private static final int STATUS = 11;
    private static final int CLEAR_FAILURE = 12;
    private static final int FREE_SPACE = 13;
    private static final int FILE = 14;

    private static final int DONE = 128;
    private static final int FAILED = 129;
    private static final int VOLUMES = 130;
    private static final int SPACE = 131;
    private static final int PATH = 132;

    private static final int IN_POOL = 1;
    private static final int RAW_FILE = 2;

    private static final int MAX_KEY = 256;

    /** Least bytes of a volume in a list. */
    private static final int VOLUME_BYTES = 27;

    private CommandCodec() {}

    // ---------------------------------------------------------------- commands

    static Frame write(Command command, int exchange) {
        WireWriter out = new WireWriter();
        int type =
                switch (command) {
                    case Command.Create c -> {
                        out.text(c.name()).i64(c.sizeBytes()).bool(c.thin());
                        yield CREATE;
                    }
                    case Command.Clone c -> {
                        out.text(c.source()).text(c.name()).i64(c.sizeBytes());
                        yield CLONE;
                    }
                    case Command.Snapshot c -> {
                        out.text(c.volume()).text(c.name());
                        yield SNAPSHOT;
                    }
                    case Command.Fill c -> {
                        out.text(c.name()).text(c.file().toString());
                        yield FILL;
                    }
                    case Command.Resize c -> {
                        out.text(c.name()).i64(c.sizeBytes());
                        yield RESIZE;
                    }
                    case Command.Delete c -> {
                        out.text(c.name());
                        yield DELETE;
                    }
                    case Command.Attach c -> {
                        writeAttach(out, c);
                        yield ATTACH;
                    }
                    case Command.Detach c -> {
                        out.text(c.name());
                        yield DETACH;
                    }
                    case Command.Limit c -> {
                        writeLimits(out.text(c.name()), c.limits());
                        yield LIMIT;
                    }
                    case Command.List c -> LIST;
                    case Command.Status c -> {
                        out.text(c.name());
                        yield STATUS;
                    }
                    case Command.ClearFailure c -> {
                        out.text(c.name());
                        yield CLEAR_FAILURE;
                    }
                    case Command.Space c -> FREE_SPACE;
                    case Command.File c -> {
                        out.text(c.name());
                        yield FILE;
                    }
                };
        return new Frame(type, exchange, out.toArray());
    }

    static Command readCommand(Frame frame) {
        WireReader in = frame.reader();
        Command command =
                switch (frame.type()) {
                    case CREATE -> new Command.Create(in.text(), in.i64(), in.bool());
                    case CLONE -> new Command.Clone(in.text(), in.text(), in.i64());
                    case SNAPSHOT -> new Command.Snapshot(in.text(), in.text());
                    case FILL -> new Command.Fill(in.text(), path(in));
                    case RESIZE -> new Command.Resize(in.text(), in.i64());
                    case DELETE -> new Command.Delete(in.text());
                    case ATTACH -> readAttach(in);
                    case DETACH -> new Command.Detach(in.text());
                    case LIMIT -> new Command.Limit(in.text(), readLimits(in));
                    case LIST -> new Command.List();
                    case STATUS -> new Command.Status(in.text());
                    case CLEAR_FAILURE -> new Command.ClearFailure(in.text());
                    case FREE_SPACE -> new Command.Space();
                    case FILE -> new Command.File(in.text());
                    default -> throw WireReader.malformed("unknown command " + frame.type());
                };
        in.expectEnd();
        return command;
    }

    static void writeAttach(WireWriter out, Command.Attach attach) {
        out.text(attach.name());
        writeLocation(out, attach.location());
        out.text(attach.socket().toString())
                .bool(attach.listen())
                .i32(attach.queues())
                .bool(attach.readOnly());
        writeLimits(out, attach.limits());
        out.blob(attach.key());
    }

    static Command.Attach readAttach(WireReader in) {
        String name = in.text();
        Location location = readLocation(in);
        Path socket = path(in);
        boolean listen = in.bool();
        int queues = in.i32();
        boolean readOnly = in.bool();
        Limits limits = readLimits(in);
        byte[] key = in.blob();
        if (key.length > MAX_KEY) {
            throw WireReader.malformed("a key of " + key.length + " bytes");
        }
        return new Command.Attach(name, location, socket, listen, queues, readOnly, limits, key);
    }

    private static void writeLocation(WireWriter out, Location location) {
        switch (location) {
            case Location.Pool() -> out.u8(IN_POOL);
            case Location.RawFile(Path path) -> out.u8(RAW_FILE).text(path.toString());
        }
    }

    private static Location readLocation(WireReader in) {
        int kind = in.u8();
        return switch (kind) {
            case IN_POOL -> new Location.Pool();
            case RAW_FILE -> new Location.RawFile(path(in));
            default -> throw WireReader.malformed("unknown location " + kind);
        };
    }

    private static Path path(WireReader in) {
        try {
            return Path.of(in.text());
        } catch (InvalidPathException e) {
            throw WireReader.malformed(String.valueOf(e.getMessage()));
        }
    }

    private static void writeLimits(WireWriter out, Limits limits) {
        out.i64(limits.operationsPerSecond()).i64(limits.bytesPerSecond());
    }

    private static Limits readLimits(WireReader in) {
        return new Limits(in.i64(), in.i64());
    }

    // ---------------------------------------------------------------- answers

    static Frame write(Answer answer, int exchange) {
        WireWriter out = new WireWriter();
        int type =
                switch (answer) {
                    case Answer.Done d -> DONE;
                    case Answer.Volumes v -> {
                        out.i32(v.volumes().size());
                        v.volumes().forEach(volume -> writeVolume(out, volume));
                        yield VOLUMES;
                    }
                    case Answer.Space s -> {
                        out.i64(s.space().totalBytes()).i64(s.space().freeBytes());
                        yield SPACE;
                    }
                    case Answer.File f -> {
                        out.text(f.path().toString());
                        yield PATH;
                    }
                };
        return new Frame(type, exchange, out.toArray());
    }

    static Frame failed(Category category, String message, int exchange) {
        byte[] body = new WireWriter().u8(category.code()).text(message).toArray();
        return new Frame(FAILED, exchange, body);
    }

    /**
     * @throws EngineException what the engine says of a command that it did not carry out
     */
    static Answer readAnswer(Frame frame) {
        WireReader in = frame.reader();
        Answer answer =
                switch (frame.type()) {
                    case DONE -> new Answer.Done();
                    case FAILED -> throw new EngineException(Category.of(in.u8()), in.text());
                    case VOLUMES -> new Answer.Volumes(readVolumes(in));
                    case SPACE -> new Answer.Space(new PoolSpace(in.i64(), in.i64()));
                    case PATH -> new Answer.File(path(in));
                    default -> throw WireReader.malformed("unknown answer " + frame.type());
                };
        in.expectEnd();
        return answer;
    }

    private static void writeVolume(WireWriter out, VolumeStatus volume) {
        out.text(volume.name())
                .code(volume.kind())
                .i64(volume.sizeBytes())
                .i64(volume.allocatedBytes())
                .bool(volume.thin())
                .text(volume.base())
                .bool(volume.device().isPresent());
        if (volume.device().isPresent()) {
            VolumeStatus.Device device = volume.device().get();
            out.text(device.socket()).bool(device.connected()).i32(device.inFlight());
            out.u8(VolumeCounter.values().length);
            for (VolumeCounter counter : VolumeCounter.values()) {
                out.code(counter).i64(device.count(counter));
            }
            out.text(device.failed()).text(device.lastError());
        }
    }

    private static List<VolumeStatus> readVolumes(WireReader in) {
        List<VolumeStatus> volumes = new ArrayList<>();
        for (int left = in.count(VOLUME_BYTES); left > 0; left--) {
            volumes.add(
                    new VolumeStatus(
                            in.text(),
                            in.constant(VolumeStatus.Kind.values()),
                            in.i64(),
                            in.i64(),
                            in.bool(),
                            in.text(),
                            in.bool() ? Optional.of(readDevice(in)) : Optional.empty()));
        }
        return volumes;
    }

    private static VolumeStatus.Device readDevice(WireReader in) {
        String socket = in.text();
        boolean connected = in.bool();
        int inFlight = in.i32();
        long[] counters = new long[VolumeCounter.values().length];
        for (int left = in.u8(); left > 0; left--) {
            counters[in.constant(VolumeCounter.values()).ordinal()] = in.i64();
        }
        return new VolumeStatus.Device(socket, connected, inFlight, counters, in.text(), in.text());
    }
}
