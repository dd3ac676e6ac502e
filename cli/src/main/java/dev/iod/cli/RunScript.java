package dev.iod.cli;

import dev.iod.cli.Supervisor.Service;
import java.util.List;

/**
 * The script that a supervisor runs for a service. A supervisor waits a second before it starts
 * again what ended right after its start (runsv by itself, systemd by {@code RestartSec}). A
 * service that guests wait for is therefore started by its script again, once, when it was killed
 * and nobody had asked it to stop; every other end is the supervisor's to handle. So two kills in a
 * row cost no wait, and a start that fails is tried at most twice a second.
 */
final class RunScript {
    /** How the supervisors name it, relative to the service's directory. */
    static final String NAME = "run";

    private RunScript() {}

    /**
     * @param command what to run, as the user that the supervisor or the command itself sets
     */
    static String of(Service service, List<String> command) {
        return "#!/bin/sh\nexec 2>&1\ncd /\n" + body(service, quoted(command));
    }

    private static String body(Service service, String command) {
        if (!service.guestsWait()) {
            return "exec " + command + "\n";
        }
        return """
                stopping=
                child=
                read -r own <"/proc/$$/cmdline"
                # A child that is still this shell, before it runs its program, loses signals.
                young() { line=; read -r line 2>/dev/null <"/proc/$child/cmdline"; [ "$line" = "$own" ]; }
                stop() {
                    stopping=yes
                    [ -n "$child" ] || return 0
                    while young; do sleep 0.01; done
                    kill -TERM "$child"
                }
                trap stop TERM
                setpriv --pdeathsig KILL %1$s &
                child=$!
                [ -z "$stopping" ] || stop # it was asked before there was a child
                wait "$child"
                status=$?
                while kill -0 "$child" 2>/dev/null; do # a signal ends the wait, not the child
                    wait "$child"
                    status=$?
                done
                [ "$status" = 137 ] && [ -z "$stopping" ] || exit "$status"
                exec %1$s
                """
                .formatted(command);
    }

    /** Words for a shell or for systemd's {@code ExecStart}. */
    static String quoted(List<String> words) {
        return String.join(
                " ", words.stream().map(word -> "'" + word.replace("'", "'\\''") + "'").toList());
    }
}
