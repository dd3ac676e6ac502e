package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.junit.jupiter.api.Test;

final class HostnamesTest {
    private static final UUID ID = new UUID(1, 2);

    @Test
    void hostNamesAreLabels() {
        assertThat(Hostnames.of("Web_1 \u00f6.", ID)).isEqualTo("web-1");
        assertThat(Hostnames.of("g\u00e4st 7", ID)).isEqualTo("gst-7");
        assertThat(Hostnames.of("\u00f6\u00f6", ID)).isEqualTo("server-" + ID);
        assertThat(Hostnames.of("a".repeat(200), ID)).hasSize(63);
    }
}
