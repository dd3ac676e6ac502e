package dev.iod.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One dpdk-testpmd with virtio-user ports A and B on whose sockets it listens, spinning on one
 * processor. testpmd forwards in one mode at a time, so end A's sender is a further port that plays
 * a capture file:
 *
 * <ul>
 *   <li>port-1flow: io; what A receives it sends by B and the other way round, so two bursts of
 *       packets travel for ever and none is lost at a full ring.
 *   <li>ovn-sg-10k: 5tswap; the player feeds A (which swaps the reversed flows of the file), what A
 *       receives is dropped by the player, and B answers itself.
 *   <li>ovn-new-connections: io, waiting for room; the player feeds A and B goes to a null port.
 * </ul>
 */
final class Generator implements AutoCloseable {
    private static final int QUEUE_SIZE = 1024;

    /** Bursts of 32 packets that travel each way in port-1flow. */
    private static final int BURSTS = 16;

    private static final int ANSWER_SECONDS = 60;
    private static final String PROMPT = "testpmd> ";
    private static final Pattern COUNT = Pattern.compile("([RT]X-packets): (\\d+)");
    private static final Pattern PORT = Pattern.compile("NIC statistics for port (\\d+)");

    private final Process process;
    private final Writer in;
    private final BufferedReader out;
    private final StringBuilder said = new StringBuilder();

    /** Packets of both ends since the generator started, and when they were read. */
    record Counts(long nanos, long sentA, long receivedA, long sentB, long receivedB) {
        long sent() {
            return sentA + sentB;
        }

        long received() {
            return receivedA + receivedB;
        }

        /** How much was counted since. */
        Counts since(Counts before) {
            return new Counts(
                    nanos - before.nanos,
                    sentA - before.sentA,
                    receivedA - before.receivedA,
                    sentB - before.sentB,
                    receivedB - before.receivedB);
        }
    }

    Generator(Lab lab, Case what, Path sockets) {
        this.process = lab.start("testpmd", command(lab, what, sockets), Map.of(), true);
        this.in = process.outputWriter(StandardCharsets.UTF_8);
        this.out =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        readToPrompt();
        if (what == Case.OVN_NEW_CONNECTIONS) {
            tell("set burst tx delay 1 retry 1000000");
        }
    }

    private static List<String> command(Lab lab, Case what, Path sockets) {
        int cpu = lab.generatorCpu();
        List<String> command =
                new ArrayList<>(
                        List.of(
                                // Else what commands print comes long after the prompt.
                                "stdbuf",
                                "-oL",
                                "dpdk-testpmd",
                                "--lcores=0@" + cpu + ",1@" + cpu,
                                "--no-pci",
                                "--in-memory",
                                "--single-file-segments",
                                "--no-telemetry",
                                "-m",
                                "256"));
        for (String end : OvnCentral.ENDS) {
            command.add(
                    "--vdev=net_virtio_user%d,path=%s,server=1,queue_size=%d,mac=%s"
                            .formatted(
                                    OvnCentral.ENDS.indexOf(end),
                                    sockets.resolve(end + ".sock"),
                                    QUEUE_SIZE,
                                    Traffic.mac(end)));
        }
        switch (what) {
            case PORT_1FLOW -> {}
            case OVN_SG_10K ->
                    command.add(
                            "--vdev=net_pcap0,infinite_rx=1,rx_pcap="
                                    + flows(sockets, Case.ESTABLISHED, true));
            case OVN_NEW_CONNECTIONS -> {
                command.add("--vdev=net_pcap0,rx_pcap=" + flows(sockets, Case.NEW, false));
                command.add("--vdev=net_null0,no-rx=1");
            }
        }
        command.addAll(
                List.of(
                        "--",
                        "-i",
                        "--no-lsc-interrupt",
                        // Else "start" first throws away what the player plays for two seconds.
                        "--no-flush-rx",
                        "--total-num-mbufs=32768",
                        "--rxd=" + QUEUE_SIZE,
                        "--txd=" + QUEUE_SIZE,
                        "--eth-peer=0," + Traffic.mac("b"),
                        "--eth-peer=1," + Traffic.mac("a"),
                        "--port-topology=paired",
                        "--forward-mode=" + (what == Case.OVN_SG_10K ? "5tswap" : "io")));
        return command;
    }

    private static Path flows(Path sockets, int count, boolean reversed) {
        Path file = sockets.resolve("flows.pcap");
        Traffic.write(file, count, reversed);
        return file;
    }

    /** Begins sending. */
    void start(Case what) {
        switch (what) {
            case PORT_1FLOW -> tell("start tx_first " + BURSTS);
            case OVN_SG_10K -> {
                // The last of an odd number of ports is paired with itself.
                tell("set portlist 2,0,1");
                tell("start");
            }
            case OVN_NEW_CONNECTIONS -> {
                tell("set portlist 2,0,1,3");
                tell("set fwd io retry");
                tell("start");
            }
        }
    }

    Counts counts() {
        long before = System.nanoTime();
        String text = tell("show port stats all");
        return parse(text, before / 2 + System.nanoTime() / 2);
    }

    /** Reads what {@code show port stats all} prints; ports 0 and 1 are A and B. */
    static Counts parse(String text, long nanos) {
        long[] counts = new long[4];
        int port = -1;
        int seen = 0;
        for (String line : text.lines().toList()) {
            Matcher name = PORT.matcher(line);
            if (name.find()) {
                port = Integer.parseInt(name.group(1));
            }
            Matcher count = COUNT.matcher(line);
            if (count.find() && (port == 0 || port == 1)) {
                int at = 2 * port + (count.group(1).startsWith("R") ? 1 : 0);
                counts[at] = Long.parseLong(count.group(2));
                seen++;
            }
        }
        if (seen != 4) {
            throw new BenchException("testpmd's statistics are not understood: " + text);
        }
        return new Counts(nanos, counts[0], counts[1], counts[2], counts[3]);
    }

    /** Gives a command and returns what is printed up to the next prompt. */
    private String tell(String command) {
        try {
            in.write(command + "\n");
            in.flush();
        } catch (IOException e) {
            throw new BenchException("testpmd is gone: " + said, e);
        }
        return readToPrompt();
    }

    private String readToPrompt() {
        said.setLength(0);
        try {
            long end = System.nanoTime() + ANSWER_SECONDS * 1_000_000_000L;
            while (!said.toString().endsWith(PROMPT)) {
                if (out.ready()) {
                    said.append((char) out.read());
                } else if (!process.isAlive()) {
                    throw new BenchException("testpmd ended: " + said);
                } else if (System.nanoTime() - end > 0) {
                    throw new BenchException("testpmd does not answer: " + said);
                } else {
                    Shell.sleepMillis(1);
                }
            }
        } catch (IOException e) {
            throw new BenchException("testpmd is gone: " + said, e);
        }
        return said.toString();
    }

    @Override
    public void close() {
        Lab.stop(process);
    }
}
