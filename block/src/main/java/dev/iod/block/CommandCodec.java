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
    private static final int DONE = 0;
    private static final int FAILED = 1;
    private static final int VOLUMES = 2;
    private static final int SPACE = 3;
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
                out.writeByte(1);
                out.writeUTF(c.name());
                out.writeLong(c.sizeBytes());
                out.writeBoolean(c.thin());
            }
            case Command.Clone c -> {
                out.writeByte(2);
                out.writeUTF(c.source());
                out.writeUTF(c.name());
                out.writeLong(c.sizeBytes());
            }
            case Command.Snapshot c -> {
                out.writeByte(3);
                out.writeUTF(c.volume());
                out.writeUTF(c.name());
            }
            case Command.Fill c -> {
                out.writeByte(4);
                out.writeUTF(c.name());
                out.writeUTF(c.file().toString());
            }
            case Command.Resize c -> {
                out.writeByte(5);
                out.writeUTF(c.name());
                out.writeLong(c.sizeBytes());
            }
            case Command.Delete c -> {
                out.writeByte(6);
                out.writeUTF(c.name());
            }
            case Command.Attach c -> {
                out.writeByte(7);
                writeAttach(out, c);
            }
            case Command.Detach c -> {
                out.writeByte(8);
                out.writeUTF(c.name());
            }
            case Command.Limit c -> {
                out.writeByte(9);
                out.writeUTF(c.name());
                writeLimits(out, c.limits());
            }
            case Command.List c -> out.writeByte(10);
            case Command.Space c -> out.writeByte(13);
            case Command.ClearFailure c -> {
                out.writeByte(12);
                out.writeUTF(c.name());
            }
            case Command.Status c -> {
                out.writeByte(11);
                out.writeUTF(c.name());
            }
        }
    }

    static Command readCommand(byte[] bytes) {
        return parse(
                bytes,
                in ->
                        switch (in.readUnsignedByte()) {
                            case 1 ->
                                    new Command.Create(
                                            in.readUTF(), in.readLong(), in.readBoolean());
                            case 2 -> new Command.Clone(in.readUTF(), in.readUTF(), in.readLong());
                            case 3 -> new Command.Snapshot(in.readUTF(), in.readUTF());
                            case 4 -> new Command.Fill(in.readUTF(), Path.of(in.readUTF()));
                            case 5 -> new Command.Resize(in.readUTF(), in.readLong());
                            case 6 -> new Command.Delete(in.readUTF());
                            case 7 -> readAttach(in);
                            case 8 -> new Command.Detach(in.readUTF());
                            case 9 -> new Command.Limit(in.readUTF(), readLimits(in));
                            case 10 -> new Command.List();
                            case 11 -> new Command.Status(in.readUTF());
                            case 12 -> new Command.ClearFailure(in.readUTF());
                            case 13 -> new Command.Space();
                            default -> throw malformed("unknown command");
                        });
    }

    static void writeAttach(DataOutputStream out, Command.Attach c) throws IOException {
        out.writeUTF(c.name());
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
        return new Command.Attach(name, socket, listen, queues, readOnly, limits, key);
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
                    out.writeByte(category.ordinal());
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
        out.writeByte(volume.kind().ordinal());
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
            out.writeByte(device.counters().length);
            for (long counter : device.counters()) {
                out.writeLong(counter);
            }
            out.writeUTF(device.failed());
            out.writeUTF(device.lastError());
        }
    }

    private static List<VolumeStatus> readVolumes(DataInputStream in) throws IOException {
        int count = in.readInt();
        if (count < 0 || count > LocalPool.MAX_ENTRIES) {
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
        long[] counters = new long[in.readUnsignedByte()];
        for (int i = 0; i < counters.length; i++) {
            counters[i] = in.readLong();
        }
        return new VolumeStatus.Device(
                socket, connected, inFlight, counters, in.readUTF(), in.readUTF());
    }

    static <E extends Enum<E>> E constant(E[] values, int ordinal) {
        if (ordinal >= values.length) {
            throw malformed("unknown " + values[0].getDeclaringClass().getSimpleName());
        }
        return values[ordinal];
    }
}
