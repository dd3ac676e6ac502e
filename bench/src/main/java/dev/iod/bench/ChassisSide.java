package dev.iod.bench;

import java.nio.file.Path;
import java.util.List;

/** A chassis whose work is measured, with the switch that it tells what to do. */
interface ChassisSide extends AutoCloseable {
    /** {@link Run#OURS}, or what the peer is called in figures. */
    String name();

    /** The chassis' name in the southbound database. */
    String host();

    /** Starts the chassis; its switch runs already and has all ports. */
    void start();

    /** What learns from the southbound database. */
    Process chassis();

    /** What carries packets. */
    Process dataplane();

    /** Removes the chassis from the southbound database and ends all processes. */
    @Override
    void close();

    /** Where it and its switch write what they have to say. */
    List<Path> logs();

    /**
     * @throws BenchException with the end of the log when one has ended
     */
    default void requireAlive() {
        if (!chassis().isAlive() || !dataplane().isAlive()) {
            StringBuilder said = new StringBuilder("a process of " + host() + " ended");
            for (Path log : logs()) {
                List<String> lines = Shell.readAll(log).lines().toList();
                lines.subList(Math.max(0, lines.size() - 10), lines.size())
                        .forEach(line -> said.append("\n").append(line));
            }
            throw new BenchException(said.toString());
        }
    }

    /** Neither does anything until {@link #resume}. */
    default void pause() {
        signal("-STOP");
    }

    default void resume() {
        signal("-CONT");
    }

    private void signal(String which) {
        for (Process process : List.of(chassis(), dataplane())) {
            Shell.run("kill", which, "" + process.pid());
        }
    }

    /** Makes a side in a directory of its own. */
    interface Factory {
        ChassisSide make(String directory);
    }
}
