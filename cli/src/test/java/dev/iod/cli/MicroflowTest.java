package dev.iod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Packets as people write them. */
final class MicroflowTest {
    private static final GuestPort PORT =
            new GuestPort(
                    "12345678-0000-0000-0000-000000000000",
                    "p",
                    "web",
                    "n",
                    "n1",
                    "fa:16:3e:00:00:05",
                    List.of("10.0.0.5", "fd00::5"));

    private static String text(String packet) {
        return FrameText.text(
                Microflow.frame(packet, PORT, address -> Optional.of("fa:16:3e:00:00:07")));
    }

    @Test
    void whatIsLeftOutIsTheGuests() {
        assertThat(text("icmp4 dst=10.0.0.7"))
                .isEqualTo(
                        "dlsrc=fa:16:3e:00:00:05 dldst=fa:16:3e:00:00:07 src=10.0.0.5 dst=10.0.0.7"
                                + " ttl=64 proto=icmp4 type=8 code=0");
        assertThat(text("tcp4 dst=10.0.0.7 dstport=22"))
                .endsWith("dst=10.0.0.7 ttl=64 proto=tcp srcport=49152 dstport=22");
        assertThat(text("udp6 dst=fd00::7 dstport=53 srcport=5 ttl=3"))
                .endsWith("dst=fd00::7 ttl=3 proto=udp srcport=5 dstport=53");
        assertThat(text("arp dst=10.0.0.1"))
                .contains("dldst=ff:ff:ff:ff:ff:ff")
                .endsWith("arp.op=1 arp.spa=10.0.0.5 arp.tpa=10.0.0.1");
        assertThat(text("icmp4 dst=10.0.0.7 src=10.9.9.9 dlsrc=02:00:00:00:00:01"))
                .startsWith("dlsrc=02:00:00:00:00:01")
                .contains("src=10.9.9.9");
    }

    @Test
    void namesOfLogicalFlowsAreKnown() {
        assertThat(text("ip4.dst == 10.0.0.7 && tcp.dst == 22 && ip.ttl==9"))
                .isEqualTo(text("tcp4 dst=10.0.0.7 dstport=22 ttl=9"));
        assertThat(text("eth.dst==02:00:00:00:00:09 && ip4.dst==10.0.0.7 && icmp4.type==13"))
                .isEqualTo(text("icmp4 dst=10.0.0.7 type=13 dldst=02:00:00:00:00:09"));
    }

    @Test
    void aFrameInHexIsTakenAsItIs() {
        String hex = "ffffffffffff fa163e000005 88b5 0001";
        assertThat(Microflow.frame(hex, PORT, address -> Optional.empty()))
                .isEqualTo(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    dst=10.0.0.7 | says no protocol
                    icmp4 | no destination
                    tcp4 dst=10.0.0.7 | no destination port
                    tcp4 dst=10.0.0.7 dstport=70000 | dstport is 0 to 65535, not 70000
                    tcp4 dst=10.0.0.7 dstport=ssh | dstport is a number
                    icmp4 dst=fd00::7 | is no IPv4 address
                    icmp4 dst=web | dst is an address
                    icmp4 dst=10.0.0.7 dldst=7 | dldst is a MAC address
                    icmp4 dst=10.0.0.7 color=red | no field 'color'
                    gre dst=10.0.0.7 | no protocol 'gre'
                    tcp4 udp4 dst=10.0.0.7 | at once
                    """)
    void mistakesAreNamed(String packet, String message) {
        assertThatThrownBy(() -> text(packet)).hasMessageContaining(message);
    }

    @Test
    void anAddressNobodyHasNeedsAMac() {
        assertThatThrownBy(() -> Microflow.frame("icmp4 dst=9.9.9.9", PORT, a -> Optional.empty()))
                .hasMessageContaining("add dldst=MAC");
    }

    @Test
    void flowEntriesAreReadable() {
        String key =
                "device=3,dst=fa163e000007,src=fa163e000005,ip4=a0000050a000007,proto=6,ports=49152/22";
        assertThat(FlowText.match(key))
                .isEqualTo(
                        "fa:16:3e:00:00:05 > fa:16:3e:00:00:07 10.0.0.5 > 10.0.0.7 tcp 49152 > 22");
        assertThat(FlowText.from(key, java.util.Map.of(3, "web"))).isEqualTo("web");
        assertThat(FlowText.actions("[IP_TTL=63,device=4]", java.util.Map.of(4, "db")))
                .isEqualTo("[IP_TTL=63,to db]");
    }
}
