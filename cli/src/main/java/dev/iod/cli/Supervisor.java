package dev.iod.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/** Keeps processes running: starts them, restarts those that end, stops them in order. */
interface Supervisor {
    /**
     * A process to keep.
     *
     * @param command first word an absolute path or a program on the PATH
     * @param user the user it runs as, "root" for ours
     * @param stopSignal what asks it to stop in order: TERM or INT (PostgreSQL's fast shutdown)
     * @param guestsWait whether guests stand still without it: a first kill costs no back-off, see
     *     {@link RunScript}
     * @param settings the files it reads at its start
     */
    record Service(
            String name,
            String user,
            List<String> command,
            String stopSignal,
            boolean guestsWait,
            List<Setting> settings) {
        Service(String name, String user, List<String> command) {
            this(name, user, command, "TERM", false, List.of());
        }
    }

    /**
     * A configuration file.
     *
     * @param secret whether only its owner may read it
     */
    record Setting(Path file, String text, boolean secret) {}

    /**
     * Writes the supervision files of these services and starts none. A running service whose files
     * change is stopped. @return whether anything changed
     */
    boolean define(List<Service> services);

    /** Starts a defined service unless it runs. @return whether it did not */
    boolean start(String name);

    /** Stops a service and waits; no error when it does not run. */
    void stop(String name);

    /** The process id of a service that runs. */
    OptionalLong pid(String name);

    /** Stops what is left and removes the supervisor itself. */
    void remove();

    /** The supervisor of this machine: systemd where it is process 1, else runit. */
    static Supervisor ofMachine(Layout layout) {
        return Files.isDirectory(Path.of("/run/systemd/system"))
                ? new Systemd(layout)
                : new Runit(layout);
    }
}
