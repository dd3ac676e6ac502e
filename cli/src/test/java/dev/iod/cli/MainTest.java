package dev.iod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What the commands say of their arguments, and of what failed. */
final class MainTest {
    @Test
    void helpNamesEveryParameter() {
        CommandLine main = Main.command();
        assertThat(main.getUsageMessage()).doesNotContain("<");
        main.getSubcommands()
                .forEach(
                        (name, command) ->
                                assertThat(command.getUsageMessage()).as(name).doesNotContain("<"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "flows --limit=-1",
                "flows --limit=x",
                "connections --limit=-1",
                "connections --limit=9999999999"
            })
    void numbersBelowTheLeastAreWrongUsage(String line) {
        StringWriter said = new StringWriter();
        CommandLine command = Main.command().setErr(new PrintWriter(said));
        assertThat(command.execute(line.split(" "))).isEqualTo(2);
        assertThat(said.toString()).contains("'--limit'").contains("is no number of 0 or more");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " "})
    void aNameThatIsEmptyIsNoPorts(String name) {
        GuestPort port = new GuestPort("12345678-1", "", "", "net", "n1", "mac", List.of());
        assertThatThrownBy(() -> GuestPorts.find(List.of(port, port), name))
                .isInstanceOf(CliException.class)
                .hasMessageStartingWith("no port has an empty name; a port is named by");
        assertThat(GuestPorts.find(List.of(port), "12345678")).isEqualTo(port);
    }

    @Test
    void everyFailureHasAReason() {
        assertThat(CliException.reason(new IOException("no space"))).isEqualTo("no space");
        assertThat(CliException.reason(new ConnectException())).isEqualTo("connection refused");
        assertThat(CliException.reason(new UncheckedIOException(null, new IOException("x"))))
                .isEqualTo("x");
        assertThat(CliException.reason(new ClosedChannelException())).isEqualTo("closed channel");
        assertThat(CliException.reason(new NoSuchFileException("/a")))
                .isEqualTo("no such file: /a");
    }
}
