package dev.iod.runtime;

import java.lang.System.Logger.Level;
import java.text.MessageFormat;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The text of a log record: {@code time level logger message key=value}. Always one line of at most
 * {@value #LIMIT} characters: control characters are escaped, a failure is told in one line with
 * its causes and the innermost places.
 */
final class LogLine {
    static final int LIMIT = 4096;
    private static final int CAUSES_LIMIT = 5;
    private static final int PLACES_LIMIT = 4;

    private LogLine() {}

    static String of(
            Instant time, Level level, String logger, String message, Optional<Throwable> thrown) {
        StringBuilder line = new StringBuilder(160);
        line.append(time.truncatedTo(ChronoUnit.MILLIS)).append(' ').append(level.getName());
        line.append(' ').append(logger).append(' ');
        escape(line, message);
        thrown.ifPresent(t -> failure(line, t));
        if (line.length() > LIMIT) {
            line.setLength(LIMIT - 3);
            line.append("...");
        }
        return line.append('\n').toString();
    }

    static String format(String format, @Nullable Object @Nullable [] parameters) {
        if (parameters == null || parameters.length == 0) {
            return format;
        }
        Object[] plain = new Object[parameters.length];
        for (int i = 0; i < plain.length; i++) {
            // As text, or MessageFormat would write 1,234 for 1234.
            plain[i] = String.valueOf(parameters[i]);
        }
        try {
            return MessageFormat.format(format, plain);
        } catch (IllegalArgumentException e) {
            return format + " " + Arrays.toString(plain);
        }
    }

    /** {@code name=LEVEL,...}; a level alone is for everything; what cannot be read is left out. */
    static Map<String, Level> levels(String text) {
        Map<String, Level> levels = new HashMap<>();
        for (String item : text.split(",", -1)) {
            int equals = item.indexOf('=');
            String name = equals < 0 ? "" : item.substring(0, equals).strip();
            String level = item.substring(equals + 1).strip();
            for (Level candidate : Level.values()) {
                if (candidate.getName().equalsIgnoreCase(level)) {
                    levels.put(name, candidate);
                }
            }
        }
        return levels;
    }

    private static void failure(StringBuilder line, Throwable thrown) {
        @Nullable Throwable cause = thrown;
        for (int depth = 0; cause != null && depth < CAUSES_LIMIT; depth++) {
            line.append(depth == 0 ? " error=\"" : " cause=\"");
            escape(line, cause.toString());
            line.append('"');
            thrown = cause;
            cause = cause.getCause();
        }
        StackTraceElement[] places = thrown.getStackTrace();
        for (int i = 0; i < places.length && i < PLACES_LIMIT; i++) {
            line.append(i == 0 ? " at=" : "<");
            line.append(places[i].getFileName()).append(':').append(places[i].getLineNumber());
        }
    }

    private static void escape(StringBuilder line, String text) {
        int length = Math.min(text.length(), LIMIT);
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c == '\n') {
                line.append("\\n");
            } else if (c < ' ' || c == 0x7f) {
                line.append(' ');
            } else {
                line.append(c);
            }
        }
    }
}
