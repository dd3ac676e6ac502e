package dev.iod.block;

import dev.iod.block.BlockException.Category;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UTFDataFormatException;
import java.io.UncheckedIOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Commands and answers as bytes: a number for the kind, then the fields in their order, by {@link
 * DataOutputStream}. Anything else is a PROTOCOL exception.
 */
final class CommandCodec {
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

    private static final int DONE = 0;
    private static final int FAILED = 1;
    private static final int VOLUMES = 2;
    private static final int SPACE = 3;

    private static final int IN_POOL = 1;
    private static final int RAW_FILE = 2;

    private static final int MAX_KEY = 256;

    private CommandCodec() {}

    interface Writer {
        void write(DataOutputStream out) throws IOException;
    }

    interface Reader<T> {
        T read(DataInputStream in) throws IOException;
    }

    static byte[] bytes(Writer writer) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            writer.write(out);
        } catch (UTFDataFormatException e) {
            throw new BlockException(Category.INVALID, "a text is too long", e);
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory", e);
        }
        return bytes.toByteArray();
    }

    static <T> T parse(byte[] bytes, Reader<T> reader) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            T value = reader.read(in);
            if (in.available() > 0) {
                throw malformed(in.available() + " bytes too many");
            }
            return value;
        } catch (EOFException | UTFDataFormatException e) {
            throw malformed("it ends too early");
        } catch (IOException e) {
            throw new UncheckedIOException("reading from memory", e);
        } catch (InvalidPathException e) {
            throw malformed(String.valueOf(e.getMessage()));
        }
    }

    static BlockException malformed(String what) {
        return new BlockException(Category.PROTOCOL, "malformed control frame: " + what);
    }

    static byte[] write(Command command) {
        return bytes(out -> write(out, command));
    }

    private static void write(DataOutputStream out, Command command) throws IOException {
        switch (command) {
            case Command.Create c -> {
                out.writeByte(CREATE);
                out.writeUTF(c.name());
                out.writeLong(c.sizeBytes());
                out.writeBoolean(c.thin());
            }
            case Command.Clone c -> {
                out.writeByte(CLONE);
                out.writeUTF(c.source());
                out.writeUTF(c.name());
                out.writeLong(c.sizeBytes());
            }
            case Command.Snapshot c -> {
                out.writeByte(SNAPSHOT);
                out.writeUTF(c.volume());
                out.writeUTF(c.name());
            }
            case Command.Fill c -> {
                out.writeByte(FILL);
                out.writeUTF(c.name());
                out.writeUTF(c.file().toString());
            }
            case Command.Resize c -> {
                out.writeByte(RESIZE);
                out.writeUTF(c.name());
                out.writeLong(c.sizeBytes());
            }
            case Command.Delete c -> {
                out.writeByte(DELETE);
                out.writeUTF(c.name());
            }
            case Command.Attach c -> {
                out.writeByte(ATTACH);
                writeAttach(out, c);
            }
            case Command.Detach c -> {
                out.writeByte(DETACH);
                out.writeUTF(c.name());
            }
            case Command.Limit c -> {
                out.writeByte(LIMIT);
                out.writeUTF(c.name());
                writeLimits(out, c.limits());
            }
            case Command.List c -> out.writeByte(LIST);
            case Command.Space c -> out.writeByte(FREE_SPACE);
            case Command.ClearFailure c -> {
                out.writeByte(CLEAR_FAILURE);
                out.writeUTF(c.name());
            }
            case Command.Status c -> {
                out.writeByte(STATUS);
                out.writeUTF(c.name());
            }
        }
    }

    static Command readCommand(byte[] bytes) {
        return parse(
                bytes,
                in ->
                        switch (in.readUnsignedByte()) {
                            case CREATE ->
                                    new Command.Create(
                                            in.readUTF(), in.readLong(), in.readBoolean());
                            case CLONE ->
                                    new Command.Clone(in.readUTF(), in.readUTF(), in.readLong());
                            case SNAPSHOT -> new Command.Snapshot(in.readUTF(), in.readUTF());
                            case FILL -> new Command.Fill(in.readUTF(), Path.of(in.readUTF()));
                            case RESIZE -> new Command.Resize(in.readUTF(), in.readLong());
                            case DELETE -> new Command.Delete(in.readUTF());
                            case ATTACH -> readAttach(in);
                            case DETACH -> new Command.Detach(in.readUTF());
                            case LIMIT -> new Command.Limit(in.readUTF(), readLimits(in));
                            case LIST -> new Command.List();
                            case STATUS -> new Command.Status(in.readUTF());
                            case CLEAR_FAILURE -> new Command.ClearFailure(in.readUTF());
                            case FREE_SPACE -> new Command.Space();
                            default -> throw malformed("unknown command");
                        });
    }

    static void writeAttach(DataOutputStream out, Command.Attach c) throws IOException {
        out.writeUTF(c.name());
        writeLocation(out, c.location());
        out.writeUTF(c.socket().toString());
        out.writeBoolean(c.listen());
        out.writeInt(c.queues());
        out.writeBoolean(c.readOnly());
        writeLimits(out, c.limits());
        out.writeShort(c.key().length);
        out.write(c.key());
    }

    static Command.Attach readAttach(DataInputStream in) throws IOException {
        String name = in.readUTF();
        Location location = readLocation(in);
        Path socket = Path.of(in.readUTF());
        boolean listen = in.readBoolean();
        int queues = in.readInt();
        boolean readOnly = in.readBoolean();
        Limits limits = readLimits(in);
        int length = in.readUnsignedShort();
        if (length > MAX_KEY) {
            throw malformed("a key of " + length + " bytes");
        }
        byte[] key = new byte[length];
        in.readFully(key);
        return new Command.Attach(name, location, socket, listen, queues, readOnly, limits, key);
    }

    private static void writeLocation(DataOutputStream out, Location location) throws IOException {
        switch (location) {
            case Location.Pool() -> out.writeByte(IN_POOL);
            case Location.RawFile(Path path) -> {
                out.writeByte(RAW_FILE);
                out.writeUTF(path.toString());
            }
        }
    }

    private static Location readLocation(DataInputStream in) throws IOException {
        return switch (in.readUnsignedByte()) {
            case IN_POOL -> new Location.Pool();
            case RAW_FILE -> new Location.RawFile(Path.of(in.readUTF()));
            default -> throw malformed("unknown location");
        };
    }

    private static void writeLimits(DataOutputStream out, Limits limits) throws IOException {
        out.writeLong(limits.operationsPerSecond());
        out.writeLong(limits.bytesPerSecond());
    }

    private static Limits readLimits(DataInputStream in) throws IOException {
        return new Limits(in.readLong(), in.readLong());
    }

    static byte[] write(Answer answer) {
        return bytes(
                out -> {
                    switch (answer) {
                        case Answer.Done d -> out.writeByte(DONE);
                        case Answer.Volumes v -> {
                            out.writeByte(VOLUMES);
                            out.writeInt(v.volumes().size());
                            for (VolumeStatus volume : v.volumes()) {
                                writeVolume(out, volume);
                            }
                        }
                        case Answer.Space s -> {
                            out.writeByte(SPACE);
                            out.writeLong(s.space().totalBytes());
                            out.writeLong(s.space().freeBytes());
                        }
                    }
                });
    }

    static byte[] failed(Category category, String message) {
        return bytes(
                out -> {
                    out.writeByte(FAILED);
                    out.writeByte(category.code());
                    out.writeUTF(message);
                });
    }

    /**
     * @throws BlockException what the engine says of a command that it did not carry out
     */
    static Answer readAnswer(byte[] bytes) {
        return parse(
                bytes,
                in ->
                        switch (in.readUnsignedByte()) {
                            case DONE -> new Answer.Done();
                            case FAILED ->
                                    throw new BlockException(
                                            constant(Category.values(), in.readUnsignedByte()),
                                            in.readUTF());
                            case VOLUMES -> new Answer.Volumes(readVolumes(in));
                            case SPACE ->
                                    new Answer.Space(new PoolSpace(in.readLong(), in.readLong()));
                            default -> throw malformed("unknown answer");
                        });
    }

    private static void writeVolume(DataOutputStream out, VolumeStatus volume) throws IOException {
        out.writeUTF(volume.name());
        out.writeByte(volume.kind().code());
        out.writeLong(volume.sizeBytes());
        out.writeLong(volume.allocatedBytes());
        out.writeBoolean(volume.thin());
        out.writeUTF(volume.base());
        out.writeBoolean(volume.device().isPresent());
        if (volume.device().isPresent()) {
            VolumeStatus.Device device = volume.device().get();
            out.writeUTF(device.socket());
            out.writeBoolean(device.connected());
            out.writeInt(device.inFlight());
            out.writeByte(VolumeCounter.values().length);
            for (VolumeCounter counter : VolumeCounter.values()) {
                out.writeByte(counter.code());
                out.writeLong(device.count(counter));
            }
            out.writeUTF(device.failed());
            out.writeUTF(device.lastError());
        }
    }

    private static List<VolumeStatus> readVolumes(DataInputStream in) throws IOException {
        int count = in.readInt();
        if (count < 0 || count > LocalPool.MAX_ENTRIES + BlockEngine.MAX_ATTACHED) {
            throw malformed(count + " volumes");
        }
        List<VolumeStatus> volumes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            volumes.add(
                    new VolumeStatus(
                            in.readUTF(),
                            constant(VolumeStatus.Kind.values(), in.readUnsignedByte()),
                            in.readLong(),
                            in.readLong(),
                            in.readBoolean(),
                            in.readUTF(),
                            in.readBoolean() ? Optional.of(readDevice(in)) : Optional.empty()));
        }
        return volumes;
    }

    private static VolumeStatus.Device readDevice(DataInputStream in) throws IOException {
        String socket = in.readUTF();
        boolean connected = in.readBoolean();
        int inFlight = in.readInt();
        long[] counters = new long[VolumeCounter.values().length];
        for (int left = in.readUnsignedByte(); left > 0; left--) {
            counters[constant(VolumeCounter.values(), in.readUnsignedByte()).ordinal()] =
                    in.readLong();
        }
        return new VolumeStatus.Device(
                socket, connected, inFlight, counters, in.readUTF(), in.readUTF());
    }

    private static <E extends Enum<E> & Coded> E constant(E[] values, int code) {
        for (E value : values) {
            if (value.code() == code) {
                return value;
            }
        }
        throw malformed("unknown " + values[0].getDeclaringClass().getSimpleName() + " " + code);
    }
}
