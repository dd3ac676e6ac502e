package dev.iod.bench;

import dev.iod.bench.BlockLoad.Work;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Requests of one size and kind on one volume, on our engine and the peer in turn; on files also by
 * fio on the very same file, which is what the disk and the kernel can do without a guest.
 */
record RequestCases(String backend, int seconds) implements BlockCases {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String VOLUME = "bench";

    private boolean file() {
        return backend.equals("file");
    }

    private List<Work> works() {
        List<Work> works = new ArrayList<>();
        for (int depth : new int[] {1, 32, 128}) {
            works.add(new Work(backend + "-randread-4k", 0, 4096, true, depth, file()));
            works.add(new Work(backend + "-randwrite-4k", 100, 4096, true, depth, file()));
            works.add(new Work(backend + "-randrw-4k", 30, 4096, true, depth, file()));
            works.add(new Work(backend + "-read-128k", 0, 128 << 10, false, depth, file()));
        }
        return works;
    }

    @Override
    public List<String> names() {
        return works().stream().map(Work::label).toList();
    }

    @Override
    public void measure(BlockLab lab, List<String> wanted, Sink sink) {
        try (BlockEngineProcess ours = lab.engine(backend)) {
            ours.create(VOLUME, false);
            Path data = lab.data(VOLUME);
            if (file()) {
                lab.fill(VOLUME);
            }
            String device = file() ? BlockLab.PeerProcess.file(data) : BlockLab.PeerProcess.NULL;
            try (BlockLab.PeerProcess peer = lab.peer(List.of(device));
                    BlockLoad ourLoad =
                            new BlockLoad(ours.attach(VOLUME, BlockEngineProcess.NO_KEY));
                    BlockLoad peerLoad = new BlockLoad(peer.sockets().getFirst())) {
                BlockCases.warmUp(ourLoad);
                for (Work work : works()) {
                    if (!wanted.contains(work.label())) {
                        continue;
                    }
                    sink.add(
                            work.label(),
                            Run.OURS,
                            BlockCases.measure(ours.process(), ourLoad, work, seconds));
                    sink.add(
                            work.label(),
                            BlockLab.PeerProcess.NAME,
                            BlockCases.measure(peer.process(), peerLoad, work, seconds));
                    if (file()) {
                        sink.add(work.label(), "fio", fio(work, data));
                    }
                }
            }
        }
    }

    private Map<Metric, Double> fio(Work work, Path data) {
        String kind =
                switch (work.writePercent()) {
                    case 0 -> work.random() ? "randread" : "read";
                    case 100 -> "randwrite";
                    default -> "randrw";
                };
        String output =
                Shell.run(
                        "taskset",
                        "-c",
                        "0",
                        "fio",
                        "--name=f",
                        "--rw=" + kind,
                        "--rwmixwrite=" + work.writePercent(),
                        "--bs=" + work.bytes(),
                        "--direct=1",
                        "--ioengine=io_uring",
                        "--iodepth=" + work.depth(),
                        "--size=" + BlockLab.VOLUME_BYTES,
                        "--filename=" + data,
                        "--time_based",
                        "--ramp_time=" + SETTLE_SECONDS,
                        "--runtime=" + seconds,
                        "--output-format=json");
        JsonNode job = JSON.readTree(output.substring(output.indexOf('{'))).at("/jobs/0");
        JsonNode latency = job.at(work.writePercent() == 100 ? "/write/clat_ns" : "/read/clat_ns");
        double requests =
                job.at("/read/total_ios").asDouble() + job.at("/write/total_ios").asDouble();
        double used =
                (job.at("/usr_cpu").asDouble() + job.at("/sys_cpu").asDouble())
                        / 100
                        * job.at("/job_runtime").asDouble()
                        * 1e3;
        Map<Metric, Double> values = new EnumMap<>(Metric.class);
        values.put(
                Metric.REQUESTS,
                (job.at("/read/iops").asDouble() + job.at("/write/iops").asDouble()) / 1e3);
        values.put(Metric.REQUEST_CPU, used / requests);
        values.put(Metric.MEDIAN_LATENCY, percentile(latency, "50.000000"));
        values.put(Metric.P99_LATENCY, percentile(latency, "99.000000"));
        values.put(Metric.P999_LATENCY, percentile(latency, "99.900000"));
        return values;
    }

    private static double percentile(JsonNode latency, String share) {
        return latency.path("percentile").path(share).asDouble() / 1e3;
    }
}
