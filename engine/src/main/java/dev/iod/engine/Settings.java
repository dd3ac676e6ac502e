package dev.iod.engine;

import dev.iod.engine.EngineException.Category;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/**
 * An engine's settings as they stand in its properties file. All that is wrong with them is a
 * CONFIGURATION exception that says what was expected.
 */
public final class Settings {
    private final Properties properties;

    private Settings(Properties properties) {
        this.properties = properties;
    }

    /**
     * @param known every key that may be there
     */
    public static Settings read(Path file, Set<String> known) {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IOException e) {
            throw new EngineException(
                    Category.CONFIGURATION, "cannot read " + file + ": " + e.getMessage(), e);
        }
        Set<String> unknown = new TreeSet<>(properties.stringPropertyNames());
        unknown.removeAll(known);
        if (!unknown.isEmpty()) {
            throw wrong("unknown settings " + unknown + "; known are " + new TreeSet<>(known));
        }
        return new Settings(properties);
    }

    /** Whether there is more than blanks. */
    public boolean has(String key) {
        return !text(key, "").isEmpty();
    }

    public String text(String key, String otherwise) {
        return properties.getProperty(key, otherwise).trim();
    }

    public String required(String key) {
        String value = text(key, "");
        if (value.isEmpty()) {
            throw wrong("the setting " + key + " is missing");
        }
        return value;
    }

    /** A whole number from low to high. */
    public long number(String key, long otherwise, long low, long high) {
        return number(key, text(key, String.valueOf(otherwise)), low, high);
    }

    /** A text that is not the whole value of a setting, as a whole number from low to high. */
    public static long number(String what, String text, long low, long high) {
        try {
            long value = Long.parseLong(text);
            if (value >= low && value <= high) {
                return value;
            }
        } catch (NumberFormatException e) {
            throw wrong(what + " must be a number, not \"" + text + "\"");
        }
        throw wrong(what + " must be " + low + " to " + high + ", not " + text);
    }

    /**
     * One of two words.
     *
     * @return whether it is the first
     */
    public boolean either(String key, String otherwise, String yes, String no) {
        String text = text(key, otherwise);
        if (text.equals(yes) || text.equals(no)) {
            return text.equals(yes);
        }
        throw wrong(key + " must be " + yes + " or " + no + ", not \"" + text + "\"");
    }

    public static EngineException wrong(String message) {
        return new EngineException(Category.CONFIGURATION, message);
    }
}
