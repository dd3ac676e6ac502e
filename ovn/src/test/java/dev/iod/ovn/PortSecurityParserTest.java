package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity.Masked;
import dev.iod.pipeline.Entity.PortSecurity.Allowed;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PortSecurityParserTest {
    @Test
    void addressesAndPrefixes() {
        assertThat(PortSecurityParser.parse(List.of())).isEmpty();
        var security =
                PortSecurityParser.parse(
                                List.of(
                                        "fa:16:3e:00:00:01 10.0.0.4 10.1.0.0/16 fd01::11",
                                        "fa:16:3e:00:00:02"))
                        .orElseThrow();
        assertThat(security.allowed())
                .containsExactly(
                        new Allowed(
                                0xfa163e000001L,
                                List.of(
                                        new Masked(Bits.of(0x0a000004), Bits.ones(32)),
                                        new Masked(Bits.of(0x0a010000), Bits.of(0xffff0000L))),
                                List.of(
                                        new Masked(
                                                new Bits(0xfd01_0000_0000_0000L, 0x11),
                                                Bits.ones(128)))),
                        new Allowed(0xfa163e000002L, List.of(), List.of()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "10.0.0.1",
                "fa:16:3e:00:00:01 nonsense",
                "fa:16:3e:00:00:01 1/2/3",
                "fa:16:3e:00:00:01 7"
            })
    void nonsenseIsRefused(String text) {
        assertThatThrownBy(() -> PortSecurityParser.parse(List.of(text)))
                .isInstanceOf(OvnException.class);
    }
}
