package dev.iod.rest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Addresses in the form of RFC 5952. */
class Ipv6Test {
    @ParameterizedTest
    @CsvSource({
        "fe80:0:0::1, fe80::1",
        "FE80::00A, fe80::a",
        "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
        "2001:0:0:1:0:0:0:1, 2001:0:0:1::1",
        "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
        "0:0:0:0:0:0:0:0, ::",
        "1::, 1::",
        "::ffff:c000:0209, ::ffff:192.0.2.9",
        "::FFFF:192.0.2.9, ::ffff:192.0.2.9",
        "64:ff9b::192.0.2.9, 64:ff9b::c000:209",
    })
    void addresses(String text, String normal) {
        assertThat(Ipv6.normalize(text)).contains(normal);
        assertThat(Ipv6.normalize(normal)).contains(normal);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::",
                "g::", "fe80::1%eth0", "fe80::1%1", "[::1]", "::1/64", " ::1", "::1\n", "192.0.2.9",
                "::192.0.2.09", "::192.0.2", "::192.0.2.256", "::ffff:192.0.2.9.9", "1.2.3.4::"
            })
    void others(String text) {
        assertThat(Ipv6.normalize(text)).isEmpty();
    }
}
