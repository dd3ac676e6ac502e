package dev.iod.network;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.Ipv4;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AddressesTest {
    @Test
    void prefixes() {
        assertThat(Cidr.parse("10.0.0.77/24")).hasToString("Optional[10.0.0.0/24]");
        assertThat(Cidr.of("0.0.0.0/0").last()).hasToString("255.255.255.255");
        assertThat(Cidr.of("10.0.0.0/30").hosts())
                .isEqualTo(new AddressRange(Ipv4.of("10.0.0.1"), Ipv4.of("10.0.0.2")));
        assertThat(Cidr.of("10.0.0.4/32").hosts().first()).hasToString("10.0.0.4");
        assertThat(Cidr.of("10.0.0.0/16").overlaps(Cidr.of("10.0.9.0/24"))).isTrue();
        assertThat(Cidr.of("10.0.0.0/24").overlaps(Cidr.of("10.0.1.0/24"))).isFalse();
        for (String text : List.of("10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "/8")) {
            assertThat(Cidr.parse(text)).as(text).isEmpty();
        }
    }

    @Test
    void theGatewayIsTakenOutOfThePool() {
        Cidr cidr = Cidr.of("10.0.0.0/29");
        assertThat(SubnetRules.defaultPools(cidr, Optional.of(Ipv4.of("10.0.0.3"))))
                .containsExactly(
                        new AddressRange(Ipv4.of("10.0.0.1"), Ipv4.of("10.0.0.2")),
                        new AddressRange(Ipv4.of("10.0.0.4"), Ipv4.of("10.0.0.6")));
        assertThat(SubnetRules.defaultPools(cidr, Optional.of(Ipv4.of("10.0.0.6"))))
                .containsExactly(new AddressRange(Ipv4.of("10.0.0.1"), Ipv4.of("10.0.0.5")));
    }

    @Test
    void ipv6PrefixesInTheFormOfRfc5952() {
        assertThat(Ipv6Prefix.normalize("::/0")).contains("::/0");
        assertThat(Ipv6Prefix.normalize("2001:DB8:0:0:1::1/64")).contains("2001:db8::/64");
        assertThat(Ipv6Prefix.normalize("2001:db8:0:1:1:1:1:1/128"))
                .contains("2001:db8:0:1:1:1:1:1/128");
        assertThat(Ipv6Prefix.normalize("1:0:0:2::/64")).contains("1:0:0:2::/64");
        for (String text : List.of("::", "::/129", "10.0.0.0/8", "fe80::1%eth0/64", "x::/1")) {
            assertThat(Ipv6Prefix.normalize(text)).as(text).isEmpty();
        }
    }

    @Test
    void macAddresses() {
        for (String text :
                List.of(
                        "fa:16:3e:00:00:01",
                        "FA-16-3E-00-00-01",
                        "fa:16:3E:0:0:1",
                        "fa16.3e00.0001",
                        "fa16.3e00.1",
                        "fa163e-000001",
                        "FA163E000001")) {
            assertThat(Mac.parse(text)).as(text).contains("fa:16:3e:00:00:01");
        }
        for (String text :
                List.of(
                        "01:00:5e:00:00:01",
                        "00:00:00:00:00:00",
                        "0.0.0",
                        "fa:16:3e",
                        "fa:16-3e:00:00:01",
                        "fa:16:3e:00:00:001",
                        "fa163e00001",
                        "fa16.3e00.00010",
                        "")) {
            assertThat(Mac.parse(text)).as(text).isEmpty();
        }
        assertThat(Mac.parse(Mac.random(new Random(1)))).isPresent();
    }

    @Test
    void idsWithAndWithoutHyphens() {
        String text = "0123456789abcdef0123456789abcdef";
        assertThat(Ids.parse(text)).hasToString("Optional[01234567-89ab-cdef-0123-456789abcdef]");
        assertThat(Ids.parse("1-1-1-1-1")).isEmpty();
        assertThat(Ids.parse("demo")).isEmpty();
    }
}
