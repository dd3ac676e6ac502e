package dev.iod.runtime;

import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The logger of every IoD process: one line per record on standard error, see {@link LogLine}. The
 * lowest level written is INFO, or that of the longest matching prefix in the system property
 * {@code iod.log} (for example {@code dev.iod.dpu=DEBUG,io.grpc=WARNING}).
 */
public final class LineLoggerFinder extends System.LoggerFinder {
    private static final int LOGGERS_LIMIT = 10_000;

    private final Map<String, Level> levels = LogLine.levels(System.getProperty("iod.log", ""));
    private final LineSink sink = new LineSink(System.err, System::nanoTime);
    private final Map<String, System.Logger> loggers = new ConcurrentHashMap<>();

    /** Made by the JDK, once, at the first use of {@link System.Logger}. */
    public LineLoggerFinder() {}

    @Override
    public System.Logger getLogger(String name, Module module) {
        System.Logger logger = loggers.get(name);
        if (logger == null) {
            logger = new LineLogger(name, level(name), sink);
            if (loggers.size() < LOGGERS_LIMIT) {
                loggers.put(name, logger);
            }
        }
        return logger;
    }

    private Level level(String name) {
        String best = "";
        for (String prefix : levels.keySet()) {
            boolean matches = name.equals(prefix) || name.startsWith(prefix + ".");
            if (matches && prefix.length() > best.length()) {
                best = prefix;
            }
        }
        return Optional.ofNullable(levels.get(best)).orElse(Level.INFO);
    }
}
