package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The command of the README does what it says. */
@ExtendWith(Region.Shared.class)
final class DemoTest {
    @Test
    void twoServersFindEachOther(Region region) {
        String output = region.iod("demo");
        assertThat(output.lines().toList().getLast()).startsWith("demo: ok");
        assertThat(output).contains("Region is up already; nothing changed.");
        assertThat(output).contains("5 packets transmitted, 5 packets received, 0% packet loss");
        assertThat(output).contains("no fragments");
        assertThat(region.client("iod").json("server list").isEmpty()).isTrue();
    }
}
