package dev.iod.bench;

import java.util.List;

/** Waits until processes have nothing to do any more. */
final class Quiet {
    private static final long STEP_MILLIS = 300;

    /** Of a step: what a process with timers and statistics takes when nothing happens. */
    private static final double IDLE_SHARE = 0.2;

    private static final int STEPS = 3;

    private Quiet() {}

    static void await(List<Process> processes, int seconds) {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        int still = 0;
        double[] before = cpu(processes);
        while (still < STEPS) {
            if (System.nanoTime() - end > 0) {
                throw new BenchException("something is at work for " + seconds + " s without end");
            }
            Shell.sleepMillis(STEP_MILLIS);
            double[] now = cpu(processes);
            still = idle(before, now) ? still + 1 : 0;
            before = now;
        }
    }

    private static double[] cpu(List<Process> processes) {
        for (Process process : processes) {
            if (!process.isAlive()) {
                throw new BenchException("a process that is measured ended: " + process.info());
            }
        }
        return processes.stream().mapToDouble(Lab::cpuSeconds).toArray();
    }

    private static boolean idle(double[] before, double[] now) {
        for (int i = 0; i < now.length; i++) {
            if (now[i] - before[i] > IDLE_SHARE * STEP_MILLIS / 1e3) {
                return false;
            }
        }
        return true;
    }
}
