package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.ovn.Constant.Format;
import dev.iod.pipeline.Bits;
import java.net.InetAddress;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read in a short way is what the JDK reads. */
class ConstantTest {
    private static final long SEED = Long.getLong("seed", 20261130);

    private final SplittableRandom random = new SplittableRandom(SEED);

    @Test
    void addressesAreThoseOfTheJdk() {
        for (int i = 0; i < 5000; i++) {
            byte[] bytes = new byte[4];
            random.nextBytes(bytes);
            String text = String.join(".", octets(bytes));
            Constant read = Constant.parse(text);
            assertThat(read.format()).isEqualTo(Format.IPV4);
            assertThat(read.value())
                    .as("%s, seed %d", text, SEED)
                    .isEqualTo(Constant.ofBytes(InetAddress.ofLiteral(text).getAddress()));
        }
    }

    private static String[] octets(byte[] bytes) {
        String[] octets = new String[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            octets[i] = Integer.toString(bytes[i] & 0xff);
        }
        return octets;
    }

    @Test
    void numbersAreThoseOfTheJdk() {
        for (int i = 0; i < 5000; i++) {
            long value = random.nextLong() >>> random.nextInt(64);
            Constant decimal = Constant.parse(Long.toUnsignedString(value));
            assertThat(decimal.format()).isEqualTo(Format.DECIMAL);
            assertThat(decimal.value()).as("%d, seed %d", value, SEED).isEqualTo(Bits.of(value));
            assertThat(Constant.parse("0x" + Long.toHexString(value)).value())
                    .isEqualTo(Bits.of(value));
        }
    }

    @Test
    void ethernetAddresses() {
        assertThat(Constant.parse("fa:16:3E:00:0a:ff"))
                .isEqualTo(new Constant(Format.ETHERNET, Bits.of(0xfa163e000affL), Bits.ones(128)));
        assertThat(Constant.parse("0:1:2:3:4:f").value()).isEqualTo(Bits.of(0x00010203040fL));
        assertThat(Constant.parse("fa:16:3e:00:0a:f").value()).isEqualTo(Bits.of(0xfa163e000a0fL));
        // Eight groups: an IPv6 address.
        assertThat(Constant.parse("1:2:3:4:5:6:7:8").format()).isEqualTo(Format.IPV6);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "10.1",
                "10.1.2",
                "1.2.3.4.5",
                "256.1.1.1",
                "1.2.3.-4",
                "1..2.3",
                "1.2.3.",
                ".1.2.3",
                "01",
                "18446744073709551616",
                "-1",
                "+1",
                "0x-1",
                "",
                "fa:16:3e:00:0a:fg",
                "fa-16-3e-00-0a-ff",
                "fa:16:3e:00:0a"
            })
    void whatIsNoConstant(String text) {
        assertThatThrownBy(() -> Constant.parse(text)).isInstanceOf(OvnException.class);
    }
}
