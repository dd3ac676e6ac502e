package dev.iod.runtime;

import java.util.Optional;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/** A named logger in front of the process's one sink. */
final class LineLogger implements System.Logger {
    private final String name;
    private final Level least;
    private final LineSink sink;

    LineLogger(String name, Level least, LineSink sink) {
        this.name = name;
        this.least = least;
        this.sink = sink;
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public boolean isLoggable(Level level) {
        return level != Level.OFF && level.getSeverity() >= least.getSeverity();
    }

    @Override
    public void log(
            Level level,
            @Nullable ResourceBundle bundle,
            @Nullable String message,
            @Nullable Throwable thrown) {
        if (isLoggable(level)) {
            sink.write(level, name, text(bundle, message), Optional.ofNullable(thrown));
        }
    }

    @Override
    public void log(
            Level level,
            @Nullable ResourceBundle bundle,
            @Nullable String format,
            @Nullable Object @Nullable ... parameters) {
        if (isLoggable(level)) {
            String text = LogLine.format(text(bundle, format), parameters);
            sink.write(level, name, text, Optional.empty());
        }
    }

    private static String text(@Nullable ResourceBundle bundle, @Nullable String message) {
        if (message == null) {
            return "";
        }
        return bundle != null && bundle.containsKey(message) ? bundle.getString(message) : message;
    }
}
