package dev.iod.rest;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Ipv4Test {
    @Test
    void onlyPlainDottedAddressesAreAddresses() {
        assertThat(Ipv4.parse("255.255.255.255").map(Ipv4::bits)).contains(0xffff_ffffL);
        for (String text :
                List.of(
                        "",
                        "1.2.3",
                        "1.2.3.4.5",
                        "256.1.1.1",
                        "01.2.3.4",
                        "a.b.c.d",
                        "1.2.3.4\n",
                        " 1.2.3.4",
                        "1.2.3.4.",
                        "١.2.3.4")) {
            assertThat(Ipv4.parse(text)).as(text).isEmpty();
        }
        var random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            Ipv4 address = new Ipv4(Integer.toUnsignedLong(random.nextInt()));
            assertThat(Ipv4.of(address.toString())).isEqualTo(address);
        }
    }
}
