package dev.iod.host;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;

/** The process: {@code virtDaemon CONFIG}, where CONFIG is a properties file ({@link Config}). */
public final class Main {
    private static final System.Logger LOG = System.getLogger(Main.class.getName());

    private Main() {}

    /** Runs until SIGTERM, or fails with exit status 1 and the reason on standard error. */
    public static void main(String[] arguments) {
        if (arguments.length != 1) {
            System.err.println("usage: virtDaemon CONFIG");
            System.exit(2);
        }
        try (Daemon daemon = Daemon.open(Config.read(Path.of(arguments[0])))) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> close(daemon), "stop"));
            LOG.log(Level.INFO, "ready");
            daemon.serve();
        } catch (IOException | HostException e) {
            LOG.log(Level.ERROR, "virtDaemon cannot run: {0}", e.getMessage());
            System.exit(1);
        }
    }

    private static void close(Daemon daemon) {
        try {
            daemon.close();
        } catch (IOException e) {
            LOG.log(Level.WARNING, "closing the socket", e);
        }
    }
}
