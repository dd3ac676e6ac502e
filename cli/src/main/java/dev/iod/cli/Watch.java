package dev.iod.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Waits for what services are to bring about and looks after them meanwhile: why one ended its log
 * knows. Where a supervisor starts it again that is said at once, and waiting ends when it happens
 * again and again; where nobody does, waiting ends with it.
 */
final class Watch {
    /** Ends of one service after which the next start will not be another. */
    static final int ENDS_BORNE = 3;

    /** A log's writer is a process of its own, and so is what notices an end. */
    private static final int LOG_SECONDS = 2;

    private static final String GO_ON = "; look at ./iod logs %s, and run ./iod up again to go on";

    /** Our processes' lines, see dev.iod.runtime.LogLine: what follows the message is for us. */
    private static final Pattern OWN =
            Pattern.compile("\\S+ ERROR \\S+ (.*?)(?: (?:error|cause)=\".*)?");

    /** How PostgreSQL, Open vSwitch's programs and the JVM mark what ends them. */
    private static final Pattern FOREIGN =
            Pattern.compile("(?:.*\\b(?:FATAL|PANIC|EMER|ERR)\\b\\W*|Error: )(\\S.*)");

    private final List<Watched> services;
    private final Optional<Consumer<String>> say;

    private static final class Watched {
        final String name;
        final Supplier<OptionalLong> now;
        final Path log;
        OptionalLong pid = OptionalLong.empty();
        long logBytes;
        int ends;

        Watched(String name, Supplier<OptionalLong> now, Path log) {
            this.name = name;
            this.now = now;
            this.log = log;
        }

        /** Whether it has ended since this was last asked. */
        boolean ended() {
            OptionalLong last = pid;
            pid = now.get();
            return last.isPresent() && !pid.equals(last);
        }

        String why() {
            Waiting.within(LOG_SECONDS, () -> size(log) != logBytes);
            String text = since(log, logBytes);
            logBytes = size(log);
            return name + " ended: " + reason(text).orElse("its log does not say why");
        }
    }

    /**
     * Begins to watch services that are started again: what is in the logs already is not about
     * this wait.
     *
     * @param pid of a service that runs
     * @param log the file that a service's output goes to
     * @param say told of each end
     */
    Watch(
            List<String> services,
            Function<String, OptionalLong> pid,
            Function<String, Path> log,
            Consumer<String> say) {
        this.services =
                services.stream()
                        .map(name -> new Watched(name, () -> pid.apply(name), log.apply(name)))
                        .toList();
        this.services.forEach(service -> service.logBytes = size(service.log));
        this.say = Optional.of(say);
    }

    /**
     * Watches processes that nobody starts again.
     *
     * @param processes by name, started already
     * @param log the file that has a process's output alone
     */
    Watch(Map<String, Process> processes, Function<String, Path> log) {
        services =
                processes.entrySet().stream()
                        .map(e -> watched(e.getKey(), e.getValue(), log.apply(e.getKey())))
                        .toList();
        say = Optional.empty();
    }

    private static Watched watched(String name, Process process, Path log) {
        OptionalLong pid = OptionalLong.of(process.pid());
        Watched watched =
                new Watched(name, () -> process.isAlive() ? pid : OptionalLong.empty(), log);
        watched.pid = pid;
        return watched;
    }

    /**
     * Waits; a condition that the API does not answer has not come true.
     *
     * @param what comes true, for people
     * @throws CliException when it does not within that time, or when a service has ended {@value
     *     #ENDS_BORNE} times (once, where nobody starts it again); with the reason of the last end,
     *     if there was one
     */
    void until(String what, int seconds, BooleanSupplier condition) {
        String[] last = {""};
        boolean came =
                Waiting.within(
                        seconds,
                        () -> {
                            if (answered(condition, last)) {
                                return true;
                            }
                            services.forEach(service -> look(what, service, last));
                            return false;
                        });
        if (!came) {
            throw new CliException(Waiting.gaveUp(what, seconds) + last[0]);
        }
    }

    private static boolean answered(BooleanSupplier condition, String[] last) {
        try {
            return condition.getAsBoolean();
        } catch (Api.NoAnswer e) {
            if (last[0].isEmpty()) {
                last[0] = "; " + e.getMessage();
            }
            return false;
        }
    }

    /**
     * Does what asks the API.
     *
     * @throws CliException with the reason that a service ended, when that is why nobody answers
     */
    void during(Runnable work) {
        for (Watched service : services) {
            if (service.pid.isEmpty()) {
                service.pid = service.now.get();
            }
        }
        try {
            work.run();
        } catch (Api.NoAnswer e) {
            List<Watched> ended = new ArrayList<>();
            Waiting.within(
                    LOG_SECONDS,
                    () -> {
                        services.stream().filter(Watched::ended).forEach(ended::add);
                        return !ended.isEmpty();
                    });
            if (ended.isEmpty()) {
                throw e;
            }
            StringBuilder text = new StringBuilder(e.getMessage());
            ended.forEach(service -> text.append("; ").append(service.why()));
            say.ifPresent(ignored -> text.append(GO_ON.formatted(ended.getFirst().name)));
            throw new CliException(text.toString(), e);
        }
    }

    private void look(String what, Watched service, String[] last) {
        if (!service.ended()) {
            return;
        }
        service.ends++;
        String why = service.why();
        if (say.isEmpty()) {
            throw new CliException("gave up: " + what + "; " + why);
        }
        if (service.ends >= ENDS_BORNE) {
            throw new CliException(
                    ("gave up: %s; %s (%d times)" + GO_ON)
                            .formatted(what, why, service.ends, service.name));
        }
        if (!last[0].endsWith(why)) {
            say.get().accept(why + "; it is started again");
        }
        last[0] = "; " + why;
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
