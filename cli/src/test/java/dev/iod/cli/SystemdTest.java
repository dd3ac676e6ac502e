package dev.iod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.cli.Supervisor.Service;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The text of units; there is no systemd here to run them. */
final class SystemdTest {
    private final Systemd systemd =
            new Systemd(new Layout(Path.of("/home/iod"), Path.of("/r"), "0a0b"));

    @Test
    void everyServiceRunsItsScriptAndIsStartedAtMostOnceASecond() {
        for (boolean guestsWait : new boolean[] {false, true}) {
            String unit =
                    systemd.text(
                            new Service(
                                    "n1-x", "root", List.of("x"), "INT", guestsWait, List.of()));
            assertThat(unit)
                    .contains("ExecStart=/bin/sh '/r/services/n1-x/run'\n")
                    .contains("Restart=always\nRestartSec=1s\n")
                    .contains("KillSignal=SIGINT\n")
                    .contains("StandardOutput=append:/r/log/n1-x/current\n");
        }
    }
}
