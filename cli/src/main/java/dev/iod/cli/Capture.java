package dev.iod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What tshark sees on a node's side of the underlay. */
final class Capture implements AutoCloseable {
    private final Path file;
    private final Process process;

    Capture(Layout layout, String node, Path directory) {
        file = directory.resolve("underlay.pcapng");
        Path log = directory.resolve("tshark.log");
        Trees.delete(file);
        try {
            // Headers only: 192 bytes hold the outer and the inner ones.
            process =
                    new ProcessBuilder(
                                    "ip",
                                    "netns",
                                    "exec",
                                    layout.underlayNamespace(),
                                    "tshark",
                                    "-q",
                                    "-n",
                                    "-i",
                                    node,
                                    "-s",
                                    "192",
                                    "-f",
                                    "ip",
                                    "-w",
                                    file.toString())
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile())
                            .start();
        } catch (IOException e) {
            throw new CliException("cannot start tshark: " + CliException.reason(e), e);
        }
        Waiting.until(
                "tshark captures",
                20,
                () -> Files.exists(file) && Layout.read(log).contains("Capturing on"));
    }

    /**
     * Ends the capture. @throws CliException when it has fragments or, if wanted, no tunnel packets
     */
    String summary(String from, String to, boolean expectTunnel) {
        end();
        long forth = count("geneve && ip.src == " + from + " && ip.dst == " + to);
        long back = count("geneve && ip.src == " + to + " && ip.dst == " + from);
        long fragments = count("ip.flags.mf == 1 || ip.frag_offset > 0");
        if (expectTunnel && (forth == 0 || back == 0)) {
            throw new CliException(
                    "tshark saw "
                            + forth
                            + " Geneve packets from "
                            + from
                            + " to "
                            + to
                            + " and "
                            + back
                            + " back");
        }
        if (fragments > 0) {
            throw new CliException(
                    "tshark saw " + fragments + " fragments on the underlay (" + file + ")");
        }
        return "Geneve "
                + from
                + " > "
                + to
                + " "
                + forth
                + " packets, back "
                + back
                + ", no fragments";
    }

    private long count(String filter) {
        // -2 is not needed: the filters look at one packet at a time.
        Shell.Result result =
                Shell.attempt(
                        "tshark",
                        "-n",
                        "-r",
                        file.toString(),
                        "-Y",
                        filter,
                        "-T",
                        "fields",
                        "-e",
                        "frame.number");
        List<String> numbers =
                result.output().lines().filter(line -> line.matches("[0-9]+")).toList();
        if (!result.ok()) {
            throw new CliException("tshark cannot read " + file + ": " + result.output());
        }
        return numbers.size();
    }

    private void end() {
        // tshark writes through a child (dumpcap); both end in order on SIGINT or SIGTERM.
        process.descendants().forEach(ProcessHandle::destroy);
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException("interrupted", e);
        }
    }

    @Override
    public void close() {
        end();
    }
}
