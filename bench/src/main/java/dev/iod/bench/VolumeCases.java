package dev.iod.bench;

import dev.iod.bench.BlockLoad.Work;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Many volumes of one process that answer at once, 64 requests in flight over all of them together;
 * then all 64 connected and nothing to do.
 */
record VolumeCases(int seconds) implements BlockCases {
    private static final int[] COUNTS = {1, 4, 16, 64};
    private static final int MOST = 64;
    private static final String IDLE = "idle-64-volumes";
    private static final int IDLE_SECONDS = 10;

    private static String name(int volumes) {
        return "volumes-" + volumes;
    }

    @Override
    public List<String> names() {
        List<String> names = new ArrayList<>();
        for (int count : COUNTS) {
            names.add(name(count));
        }
        names.add(IDLE);
        return names;
    }

    @Override
    public void measure(BlockLab lab, List<String> wanted, Sink sink) {
        try (BlockEngineProcess ours = lab.engine("null");
                BlockLab.PeerProcess peer =
                        lab.peer(Collections.nCopies(MOST, BlockLab.PeerProcess.NULL));
                BlockLoad ourLoad = new BlockLoad(4096);
                BlockLoad peerLoad = new BlockLoad(4096)) {
            int connected = 0;
            for (int count : COUNTS) {
                for (; connected < count; connected++) {
                    String volume = "many-" + connected;
                    ours.create(volume, true);
                    Path socket = ours.attach(volume, BlockEngineProcess.NO_KEY);
                    ourLoad.connect(socket);
                    peerLoad.connect(peer.sockets().get(connected));
                }
                if (wanted.contains(name(count))) {
                    Work work = new Work(name(count), 30, 4096, true, MOST / count, false);
                    ourLoad.run(work, WARM_UP_SECONDS);
                    sink.add(
                            name(count),
                            Run.OURS,
                            BlockCases.measure(ours.process(), ourLoad, work, seconds));
                    sink.add(
                            name(count),
                            BlockLab.PeerProcess.NAME,
                            BlockCases.measure(peer.process(), peerLoad, work, seconds));
                }
            }
            if (wanted.contains(IDLE)) {
                idle(ours.process(), peer.process(), sink);
            }
        }
    }

    /** Both at once: neither does anything. */
    private static void idle(Process ours, Process peer, Sink sink) {
        // The JVM's own work after a load (compiling, mostly) ends first.
        Shell.sleepMillis(2_000);
        double ourCpu = Lab.cpuSeconds(ours);
        double peerCpu = Lab.cpuSeconds(peer);
        long begin = System.nanoTime();
        Shell.sleepMillis(IDLE_SECONDS * 1000L);
        double seconds = (System.nanoTime() - begin) / 1e9;
        sink.add(IDLE, Run.OURS, share(Lab.cpuSeconds(ours) - ourCpu, seconds));
        sink.add(IDLE, BlockLab.PeerProcess.NAME, share(Lab.cpuSeconds(peer) - peerCpu, seconds));
    }

    private static Map<Metric, Double> share(double cpuSeconds, double seconds) {
        return Map.of(Metric.IDLE_CPU, 100 * cpuSeconds / seconds);
    }
}
