package dev.iod.host;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** One QEMU: its process, its QMP connection and its console. Used by its machine's agent only. */
final class Vmm {
    private static final System.Logger LOG = System.getLogger(Vmm.class.getName());
    private static final long QMP_MILLIS = 3_000;

    /** How long QEMU may take until a user has the serial console. */
    private static final long USE_MILLIS = 4_000;

    private static final int DRAIN_LOOKS = 10;
    private static final long ACCEPT_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    /** How long the last words of a console that QEMU has closed may be on their way. */
    private static final long CONSOLE_END_MILLIS = 1_000;

    private static final int EXIT_LOOKS = 50;
    private static final long EXIT_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final GuestProcess process;
    private final GuestDirectory directory;
    private final ConsoleLog console;
    private final VmmUser user;
    private final Runnable wake;
    private Optional<Qmp> qmp = Optional.empty();

    /** Who uses the serial console; without one its output goes to QEMU's ring. */
    private Optional<Console> serial = Optional.empty();

    private boolean foundOff;
    private boolean paused;

    /**
     * @param wake called when something happened that should be looked at; may not block
     */
    Vmm(
            GuestProcess process,
            GuestDirectory directory,
            ConsoleLog console,
            VmmUser user,
            Runnable wake) {
        this.process = process;
        this.directory = directory;
        this.console = console;
        this.user = user;
        this.wake = wake;
    }

    GuestProcess process() {
        return process;
    }

    boolean alive() {
        return process.alive();
    }

    /**
     * Whether QMP answers; connects when it must. QEMU greets only when all its devices are made,
     * and so when all its back ends have answered.
     *
     * @throws HostException as {@link Qmp#execute}
     */
    boolean answers() {
        if (qmp.isEmpty() || qmp.get().lost()) {
            qmp = Qmp.connect(directory.qmpSocket(), wake);
        }
        if (qmp.isEmpty() || !qmp.get().ready(QMP_MILLIS)) {
            return false;
        }
        // The guest may have powered off when no daemon listened.
        Fields status = command("query-status", Map.of()).fields("return");
        foundOff = status.text("status").equals("shutdown");
        paused = status.text("status").equals("paused");
        if (serial.isEmpty() && !consoleIs("ringbuf", patience(QMP_MILLIS))) {
            useRing(patience(QMP_MILLIS)); // A daemon was killed while the console was in use.
        }
        return true;
    }

    /** Whether QMP answered once and its connection has ended since. */
    boolean lost() {
        return qmp.isEmpty() || qmp.get().lost();
    }

    /** Whether the guest has powered itself off; QEMU then waits to be ended. */
    boolean guestIsOff() {
        return foundOff
                || qmp.flatMap(Qmp::shutdown).filter(why -> why.startsWith("guest")).isPresent();
    }

    void pressPowerButton() {
        command("system_powerdown", Map.of());
    }

    /** Whether the guest's processors stand still, when it answered last. */
    boolean paused() {
        return paused;
    }

    void pause(boolean wanted) {
        command(wanted ? "stop" : "cont", Map.of());
        paused = wanted;
    }

    void reset() {
        command("system_reset", Map.of());
    }

    /**
     * Takes the serial console into use; who used it until now is let go.
     *
     * @throws HostException FAILED, TIMEOUT when it takes QEMU longer than {@link #USE_MILLIS}, or
     *     as {@link Qmp#execute}
     */
    Console useSerial() throws IOException {
        long end = patience(USE_MILLIS);
        leaveSerial(end);
        // What the guest writes between the last look into the ring and its end is lost: it is
        // looked into until the guest pauses.
        for (int look = 0; look < DRAIN_LOOKS && drainConsole(end); look++) {}
        Files.deleteIfExists(directory.consoleSocket(ConsoleKind.SERIAL));
        try {
            changeConsole(QemuCommand.serialSocket(), end);
            SocketChannel channel =
                    ConsoleSocket.connect(directory.consoleSocket(ConsoleKind.SERIAL), user);
            Console used = new Console(channel, this::log, left -> wake.run());
            serial = Optional.of(used);
            // Until QEMU has let it in the guest writes to nobody.
            while (consoleIs("disconnected", end)) {
                LockSupport.parkNanos(ACCEPT_LOOK_NANOS);
            }
            return used;
        } catch (HostException e) {
            // Also after a timeout: QEMU may still do what it did not answer, and then this.
            takeBack(e);
            throw e;
        }
    }

    private void takeBack(HostException why) {
        try {
            if (serialUsed()) {
                leaveSerial();
            } else {
                useRing(patience(QMP_MILLIS));
            }
        } catch (HostException e) {
            why.addSuppressed(e); // The next look into the ring does it.
        }
    }

    /** Whether somebody had the serial console, and has gone. */
    boolean serialLeft() {
        return serial.map(Console::over).orElse(false);
    }

    /** Whether somebody has the serial console. */
    boolean serialUsed() {
        return serial.isPresent();
    }

    /**
     * Ends the use of the serial console, if any; all that was written to it is in the log.
     *
     * @throws HostException as {@link Qmp#execute}
     */
    void leaveSerial() {
        leaveSerial(patience(QMP_MILLIS));
    }

    private void leaveSerial(long endNanos) {
        if (serial.isEmpty()) {
            return;
        }
        Console used = serial.get();
        serial = Optional.empty();
        used.leave();
        try {
            useRing(endNanos);
            used.awaitEnd(CONSOLE_END_MILLIS);
        } finally {
            used.hangUp();
        }
    }

    private void useRing(long endNanos) {
        changeConsole(QemuCommand.ring(), endNanos);
    }

    private void changeConsole(Map<String, Object> backend, long endNanos) {
        command("chardev-change", Map.of("id", QemuCommand.CONSOLE, "backend", backend), endNanos);
    }

    /** Whether QEMU describes what the console is connected to with words that begin so. */
    private boolean consoleIs(String start, long endNanos) {
        return command("query-chardev", Map.of(), endNanos).list("return").stream()
                .filter(device -> device.text("label").equals(QemuCommand.CONSOLE))
                .anyMatch(device -> device.text("filename").startsWith(start));
    }

    private void log(byte[] output) {
        try {
            console.append(output);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "console output is not logged: " + e);
        }
    }

    /** Moves console output from QEMU to the log, and says whether there was any. */
    boolean drainConsole() throws IOException {
        return drainConsole(patience(QMP_MILLIS));
    }

    private boolean drainConsole(long endNanos) throws IOException {
        directory.boundStderr();
        if (serialUsed()) {
            return false; // It comes by itself.
        }
        Map<String, ?> all =
                Map.of(
                        "device",
                        QemuCommand.CONSOLE,
                        "size",
                        QemuCommand.CONSOLE_RING_BYTES,
                        "format",
                        "base64");
        String output;
        try {
            output = command("ringbuf-read", all, endNanos).text("return");
        } catch (HostException e) {
            if (e.category() != HostException.Category.FAILED) {
                throw e;
            }
            // QEMU did what it had not answered in time, and the console is no ring any more.
            useRing(endNanos);
            return false;
        }
        if (!output.isEmpty()) {
            console.append(Base64.getDecoder().decode(output));
        }
        return !output.isEmpty();
    }

    /** Asks QEMU to end, or ends it when it cannot be asked. */
    void end() {
        if (lost()) {
            process.kill();
            return;
        }
        try {
            command("quit", Map.of());
        } catch (HostException e) {
            process.kill(); // It does not listen, or was faster than its answer.
        }
    }

    /** Ends it the hard way. */
    void kill() {
        process.kill();
    }

    /** What is known of an end nobody asked for. */
    String exitReason() throws IOException {
        return exitReason(directory);
    }

    static String exitReason(GuestDirectory directory) throws IOException {
        OptionalInt status = directory.exitStatus();
        for (int i = 0; i < EXIT_LOOKS && status.isEmpty(); i++) {
            LockSupport.parkNanos(EXIT_LOOK_NANOS); // Its keeper is just about to write it.
            status = directory.exitStatus();
        }
        StringBuilder text = new StringBuilder("QEMU ended unexpectedly");
        if (status.isPresent()) {
            int number = status.getAsInt();
            text.append(
                    number > 128
                            ? ", killed by signal " + (number - 128)
                            : ", exit status " + number);
        }
        String tail = directory.stderrTail();
        return tail.isEmpty() ? text.toString() : text.append(": ").append(tail).toString();
    }

    /** Forgets QEMU, which has ended; first what it said last goes to the log. */
    void close() {
        serial.ifPresent(
                used -> {
                    if (!used.awaitEnd(CONSOLE_END_MILLIS)) {
                        used.leave(); // Its user holds it up.
                        used.awaitEnd(CONSOLE_END_MILLIS);
                    }
                    used.hangUp();
                });
        serial = Optional.empty();
        qmp.ifPresent(Qmp::close);
    }

    /**
     * Executes a command.
     *
     * @throws HostException as {@link Qmp#execute}
     */
    Fields command(String name, Map<String, ?> arguments) {
        return command(name, arguments, patience(QMP_MILLIS));
    }

    private Fields command(String name, Map<String, ?> arguments, long endNanos) {
        long left = TimeUnit.NANOSECONDS.toMillis(endNanos - System.nanoTime());
        if (left <= 0) {
            throw new HostException(
                    HostException.Category.TIMEOUT, "QEMU is too slow: no time left for " + name);
        }
        return qmp.orElseThrow().execute(name, arguments, Math.min(left, QMP_MILLIS));
    }

    /** When what begins now must be done. */
    private static long patience(long millis) {
        return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    }
}
