package dev.iod.runtime;

import static dev.iod.runtime.SetupException.Category.CONFIGURATION;

import java.io.IOException;
import java.io.Reader;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The settings of one process: a {@link Properties} file. Every accessor names the keys it knows;
 * {@link #finish()} then refuses what nobody asked for, so that a misspelt key cannot be ignored.
 *
 * <p>Relative paths are relative to the directory of the file. Not thread safe: a {@code Main}
 * reads it once, at the start.
 */
public final class Config {
    private static final int FILE_LIMIT_BYTES = 1 << 20;

    private final String source;
    private final Path directory;
    private final Map<String, String> values;
    private final TreeSet<String> known = new TreeSet<>();

    private Config(String source, Path directory, Map<String, String> values) {
        this.source = source;
        this.directory = directory;
        this.values = new TreeMap<>(values);
    }

    /** Reads a file of at most 1 MiB. */
    public static Config load(Path file) {
        Properties properties = new Properties();
        try {
            if (Files.size(file) > FILE_LIMIT_BYTES) {
                throw new SetupException(CONFIGURATION, file + " is larger than 1 MiB");
            }
            try (Reader reader = Files.newBufferedReader(file)) {
                properties.load(reader);
            }
        } catch (IOException | IllegalArgumentException e) {
            throw new SetupException(CONFIGURATION, "cannot read " + file + ": " + e, e);
        }
        Map<String, String> values = new TreeMap<>();
        properties.stringPropertyNames().forEach(k -> values.put(k, properties.getProperty(k)));
        Path parent = file.toAbsolutePath().getParent();
        return new Config(file.toString(), parent == null ? Path.of("/") : parent, values);
    }

    /** The file named by the only command line argument of a process. */
    public static Config fromArguments(String[] arguments) {
        if (arguments.length != 1) {
            throw new SetupException(CONFIGURATION, "expected one argument: a properties file");
        }
        return load(Path.of(arguments[0]));
    }

    /** The same settings, built in code. */
    public static Config of(Map<String, String> values, Path directory) {
        return new Config("settings", directory, values);
    }

    /** A text that must be there and not be blank. */
    public String text(String key) {
        return textIf(key)
                .orElseThrow(
                        () ->
                                new SetupException(
                                        CONFIGURATION, source + ": " + key + " is missing"));
    }

    public String text(String key, String otherwise) {
        return textIf(key).orElse(otherwise);
    }

    /** Empty when the key is missing or blank. */
    public Optional<String> textIf(String key) {
        known.add(key);
        return Optional.ofNullable(values.get(key)).map(String::strip).filter(v -> !v.isEmpty());
    }

    /** A whole number within bounds, both inclusive. */
    public long number(String key, long least, long most) {
        String value = text(key);
        try {
            long number = Long.parseLong(value);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw wrong(key, value, "a whole number", e);
        }
        throw wrong(key, value, "a number from " + least + " to " + most, null);
    }

    public long number(String key, long least, long most, long otherwise) {
        return textIf(key).isPresent() ? number(key, least, most) : otherwise;
    }

    public int integer(String key, int least, int most) {
        return (int) number(key, least, most);
    }

    public int integer(String key, int least, int most, int otherwise) {
        return (int) number(key, least, most, otherwise);
    }

    public boolean flag(String key, boolean otherwise) {
        Optional<String> value = textIf(key);
        if (value.isEmpty()) {
            return otherwise;
        }
        return switch (value.get()) {
            case "true" -> true;
            case "false" -> false;
            default -> throw wrong(key, value.get(), "true or false", null);
        };
    }

    public Path path(String key) {
        return directory.resolve(text(key)).normalize();
    }

    public Optional<Path> pathIf(String key) {
        return textIf(key).map(v -> directory.resolve(v).normalize());
    }

    /** {@code host:port}; an IPv6 address stands in brackets. */
    public InetSocketAddress address(String key) {
        String value = text(key);
        int colon = value.lastIndexOf(':');
        try {
            int port = Integer.parseInt(value.substring(colon + 1));
            if (colon > 0 && port >= 0 && port <= 65535) {
                String host = value.substring(0, colon);
                boolean bracketed = host.startsWith("[") && host.endsWith("]");
                return new InetSocketAddress(
                        bracketed ? host.substring(1, host.length() - 1) : host, port);
            }
        } catch (NumberFormatException e) {
            throw wrong(key, value, "host:port", e);
        }
        throw wrong(key, value, "host:port", null);
    }

    /** Values separated by commas; empty when the key is missing. */
    public List<String> list(String key) {
        List<String> items = new ArrayList<>();
        for (String item : textIf(key).orElse("").split(",", -1)) {
            if (!item.isBlank()) {
                items.add(item.strip());
            }
        }
        return List.copyOf(items);
    }

    /** Call after the last accessor: refuses keys that none of them named. */
    public void finish() {
        TreeSet<String> unknown = new TreeSet<>(values.keySet());
        unknown.removeAll(known);
        if (!unknown.isEmpty()) {
            throw new SetupException(
                    CONFIGURATION,
                    source
                            + ": unknown "
                            + (unknown.size() == 1 ? "key " : "keys ")
                            + String.join(", ", unknown)
                            + "; known are "
                            + String.join(", ", known));
        }
    }

    private SetupException wrong(
            String key, String value, String expected, @Nullable Throwable cause) {
        String message = source + ": " + key + " = " + value + " is not " + expected;
        return cause == null
                ? new SetupException(CONFIGURATION, message)
                : new SetupException(CONFIGURATION, message, cause);
    }
}
