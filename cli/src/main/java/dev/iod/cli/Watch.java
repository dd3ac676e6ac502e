package dev.iod.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Waits for what services are to bring about and looks after them meanwhile: one that ends is
 * started again by its supervisor, which its log knows the reason of. That is said at once, and
 * waiting ends when it happens again and again.
 */
final class Watch {
    /** Ends of one service after which the next start will not be another. */
    static final int ENDS_BORNE = 3;

    /** A log's writer is a process of its own. */
    private static final int LOG_SECONDS = 2;

    /** Our processes' lines, see dev.iod.runtime.LogLine: what follows the message is for us. */
    private static final Pattern OWN =
            Pattern.compile("\\S+ ERROR \\S+ (.*?)(?: (?:error|cause)=\".*)?");

    /** How PostgreSQL, Open vSwitch's programs and the JVM mark what ends them. */
    private static final Pattern FOREIGN =
            Pattern.compile("(?:.*\\b(?:FATAL|PANIC|EMER|ERR)\\b\\W*|Error: )(\\S.*)");

    private final Function<String, OptionalLong> pid;
    private final Function<String, Path> log;
    private final Consumer<String> say;
    private final Map<String, Watched> services = new HashMap<>();

    private static final class Watched {
        OptionalLong pid = OptionalLong.empty();
        long logBytes;
        int ends;
    }

    /**
     * Begins to watch: what is in the logs already is not about this wait.
     *
     * @param pid of a service that runs
     * @param log the file that a service's output goes to
     */
    Watch(
            List<String> services,
            Function<String, OptionalLong> pid,
            Function<String, Path> log,
            Consumer<String> say) {
        this.pid = pid;
        this.log = log;
        this.say = say;
        for (String service : services) {
            Watched watched = new Watched();
            watched.logBytes = size(log.apply(service));
            this.services.put(service, watched);
        }
    }

    /**
     * @param what comes true, for people
     * @throws CliException when it does not within that time, or when a service has ended {@value
     *     #ENDS_BORNE} times; with the reason of the last end, if there was one
     */
    void until(String what, int seconds, BooleanSupplier condition) {
        String[] last = {""};
        boolean came =
                Waiting.within(
                        seconds,
                        () -> {
                            if (condition.getAsBoolean()) {
                                return true;
                            }
                            services.forEach((name, s) -> look(what, name, s, last));
                            return false;
                        });
        if (!came) {
            throw new CliException(Waiting.gaveUp(what, seconds) + last[0]);
        }
    }

    private void look(String what, String name, Watched service, String[] last) {
        OptionalLong now = pid.apply(name);
        boolean ended = service.pid.isPresent() && !now.equals(service.pid);
        service.pid = now;
        if (!ended) {
            return;
        }
        service.ends++;
        String why = name + " ended: " + reason(name, service);
        if (service.ends >= ENDS_BORNE) {
            throw new CliException(
                    ("gave up: %s; %s (%d times); look at ./iod logs %s, and run ./iod up again"
                                    + " to go on")
                            .formatted(what, why, service.ends, name));
        }
        if (!last[0].endsWith(why)) {
            say.accept(why + "; it is started again");
        }
        last[0] = "; " + why;
    }

    private String reason(String name, Watched service) {
        Path file = log.apply(name);
        Waiting.within(LOG_SECONDS, () -> size(file) != service.logBytes);
        String text = since(file, service.logBytes);
        service.logBytes = size(file);
        return reason(text).orElse("its log does not say why");
    }

    /** What a log gives as the reason of an end: the last error, or else the last line. */
    static Optional<String> reason(String text) {
        List<String> lines = text.lines().filter(line -> !line.isBlank()).toList();
        for (String line : lines.reversed()) {
            for (Pattern pattern : List.of(OWN, FOREIGN)) {
                Matcher matcher = pattern.matcher(line);
                if (matcher.matches()) {
                    return Optional.of(matcher.group(1));
                }
            }
        }
        return lines.isEmpty() ? Optional.empty() : Optional.of(lines.getLast().strip());
    }

    /** What was written since a log had that length; all of it when it was begun anew. */
    private static String since(Path file, long bytes) {
        try {
            byte[] all = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
            int from = all.length < bytes ? 0 : (int) bytes;
            return new String(all, from, all.length - from, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new CliException("cannot read " + file + ": " + CliException.reason(e), e);
        }
    }

    private static long size(Path file) {
        try {
            return Files.exists(file) ? Files.size(file) : 0;
        } catch (IOException e) {
            return 0; // begun anew at this moment
        }
    }
}
