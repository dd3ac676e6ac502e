package dev.iod.host;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The frequency of the host's time stamp counter, which a translated guest sees as its own. The
 * kernel tells it only in its log; when that has forgotten its beginning, the processor's model
 * name or its present clock is near enough.
 */
final class TimestampCounter {
    private static final Pattern DETECTED =
            Pattern.compile("tsc: (?:Detected|Refined TSC clocksource calibration:) ([0-9.]+) MHz");
    private static final Pattern MODEL = Pattern.compile("model name.*@ ([0-9.]+)GHz");
    private static final Pattern CLOCK = Pattern.compile("cpu MHz\\s*: ([0-9.]+)");

    private TimestampCounter() {}

    /** The frequency in kHz; empty when nobody tells. */
    static OptionalLong khz() {
        OptionalLong logged = fromLog();
        return logged.isPresent() ? logged : fromProcessor(Path.of("/proc/cpuinfo"));
    }

    private static OptionalLong fromLog() {
        ProcessBuilder dmesg =
                new ProcessBuilder("dmesg").redirectError(ProcessBuilder.Redirect.DISCARD);
        try (BufferedReader log = dmesg.start().inputReader()) {
            return newest(log.lines(), DETECTED, 1e3);
        } catch (IOException e) {
            return OptionalLong.empty(); // No such tool: the processor is asked next.
        }
    }

    static OptionalLong fromProcessor(Path cpuinfo) {
        OptionalLong model = newest(cpuinfo, MODEL, 1e6);
        return model.isPresent() ? model : newest(cpuinfo, CLOCK, 1e3);
    }

    private static OptionalLong newest(Path file, Pattern pattern, double factor) {
        try (Stream<String> lines = Files.lines(file)) {
            return newest(lines, pattern, factor);
        } catch (IOException e) {
            return OptionalLong.empty(); // Not Linux's file: nobody tells.
        }
    }

    /** The last line that tells it, times a factor. */
    static OptionalLong newest(Stream<String> lines, Pattern pattern, double factor) {
        return lines.map(pattern::matcher)
                .filter(Matcher::find)
                .mapToLong(matcher -> Math.round(Double.parseDouble(matcher.group(1)) * factor))
                .reduce((first, second) -> second);
    }
}
