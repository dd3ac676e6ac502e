package dev.iod.ovn;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * ovn-trace as a daemon (ovn-trace(8), "--detach"), asked over its control socket. It read the
 * southbound when it started. Its "--ct" options are one sequence for all that it is ever asked, so
 * it is given a long one of chance; what it took for a packet is in its answer.
 */
final class TraceDaemon implements AutoCloseable {
    /** What conntrack may say: each is drawn equally often. */
    static final List<String> STATES = List.of("new", "est", "est,rpl", "rel", "inv");

    /** In an answer for which there were too few states left. */
    static final String USED_UP = "default (use --ct";

    /** Fits the arguments of a process. */
    private static final int STATE_COUNT = 60_000;

    private final Path socket;
    private final Path identifier;
    private SocketChannel channel;

    TraceDaemon(Path directory, String name, String southbound, Random random) {
        socket = directory.resolve(name + ".ctl");
        identifier = directory.resolve(name + ".pid");
        var command = new ArrayList<String>();
        command.addAll(List.of("ovn-trace", "--db=" + southbound, "--unixctl=" + socket));
        command.addAll(List.of("--detach", "--no-chdir", "--pidfile=" + identifier));
        command.addAll(List.of("-vconsole:off", "-vsyslog:off"));
        var block = new ArrayList<>(STATES);
        for (int i = 0; i < STATE_COUNT; i += block.size()) {
            Collections.shuffle(block, random);
            block.forEach(state -> command.add("--ct=" + state));
        }
        OvnCentral.run(command.toArray(String[]::new));
        channel = connect();
    }

    private SocketChannel connect() {
        try {
            return SocketChannel.open(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The summary of what happens to a microflow. */
    String summary(String microflow) {
        return call("trace", "--summary", microflow);
    }

    private String call(String method, String... parameters) {
        var request = new StringBuilder("{\"id\":0,\"method\":\"" + method + "\",\"params\":[");
        for (int i = 0; i < parameters.length; i++) {
            request.append(i == 0 ? "\"" : ",\"");
            request.append(parameters[i].replace("\\", "\\\\").replace("\"", "\\\"")).append('"');
        }
        request.append("]}");
        try {
            ByteBuffer out = StandardCharsets.UTF_8.encode(request.toString());
            while (out.hasRemaining()) {
                channel.write(out);
            }
            return result(answer());
        } catch (IOException e) {
            throw new UncheckedIOException("ovn-trace, asked " + request, e);
        }
    }

    /** One JSON object: ovs-appctl's protocol has no separator between two. */
    private String answer() throws IOException {
        var bytes = new ByteArrayOutputStream();
        ByteBuffer in = ByteBuffer.allocate(1 << 16);
        boolean text = false;
        int depth = 0;
        while (true) {
            if (channel.read(in) < 0) {
                throw new EOFException("it ended");
            }
            in.flip();
            while (in.hasRemaining()) {
                byte b = in.get();
                bytes.write(b);
                if (text && b == '\\') {
                    bytes.write(next(in));
                } else if (b == '"') {
                    text = !text;
                } else if (!text) {
                    depth += b == '{' ? 1 : b == '}' ? -1 : 0;
                    if (depth == 0 && b == '}') {
                        return bytes.toString(StandardCharsets.UTF_8);
                    }
                }
            }
            in.clear();
        }
    }

    private byte next(ByteBuffer in) throws IOException {
        while (!in.hasRemaining()) {
            in.clear();
            if (channel.read(in) < 0) {
                throw new EOFException("it ended");
            }
            in.flip();
        }
        return in.get();
    }

    private static String result(String json) {
        int start = json.indexOf("\"result\":\"");
        if (start < 0) {
            throw new IllegalStateException(json);
        }
        var text = new StringBuilder();
        for (int i = start + 10; json.charAt(i) != '"'; i++) {
            char c = json.charAt(i);
            if (c != '\\') {
                text.append(c);
                continue;
            }
            i++;
            switch (json.charAt(i)) {
                case 'n' -> text.append('\n');
                case 't' -> text.append('\t');
                case 'u' -> {
                    text.append((char) Integer.parseInt(json, i + 1, i + 5, 16));
                    i += 4;
                }
                default -> text.append(json.charAt(i));
            }
        }
        return text.toString();
    }

    @Override
    public void close() {
        try {
            long process = Long.parseLong(Files.readString(identifier).strip());
            channel.close();
            ProcessHandle.of(process).ifPresent(ProcessHandle::destroyForcibly);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
