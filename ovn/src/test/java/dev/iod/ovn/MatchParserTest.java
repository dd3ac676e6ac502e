package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Expressions and what they mean, case by case (ovn-sb(5), Logical_Flow, "match"). */
class MatchParserTest {
    private static final long IP4 = 0x800;
    private static final long IP6 = 0x86dd;

    static final Scope SCOPE =
            new Scope() {
                @Override
                public OptionalLong port(String name) {
                    return name.startsWith("vm")
                            ? OptionalLong.of(0x10000 + Long.parseLong(name.substring(2)))
                            : OptionalLong.empty();
                }

                @Override
                public DhcpOptions dhcp() {
                    return ActionParserTest.DHCP;
                }

                @Override
                public boolean resident(String port) {
                    return port.equals("vm1");
                }

                @Override
                public String portGroup(String name) {
                    return "@" + name;
                }

                @Override
                public String addressSet(String name, int width) {
                    return "$" + name + "/" + width;
                }
            };

    static Match compile(String text) {
        MatchParser.Result result = MatchParser.parse(text, SCOPE);
        assertThat(result.unsupported()).isEmpty();
        return result.match();
    }

    /** A plain evaluator. */
    static boolean holds(Match match, Map<Field, Bits> packet) {
        return switch (match) {
            case Match.Always ignored -> true;
            case Match.Masked(Field field, Bits value, Bits mask) ->
                    packet.getOrDefault(field, Bits.ZERO).and(mask).equals(value);
            case Match.Compare(Field field, Match.Relation relation, Bits value) -> {
                Bits found = packet.getOrDefault(field, Bits.ZERO);
                int order = Long.compareUnsigned(found.high(), value.high());
                order = order != 0 ? order : Long.compareUnsigned(found.low(), value.low());
                yield switch (relation) {
                    case LESS -> order < 0;
                    case LESS_OR_EQUAL -> order <= 0;
                    case GREATER -> order > 0;
                    case GREATER_OR_EQUAL -> order >= 0;
                };
            }
            case Match.In(Field field, String set) ->
                    packet.getOrDefault(field, Bits.ZERO).low() == set.hashCode();
            case Match.All(List<Match> terms) -> terms.stream().allMatch(t -> holds(t, packet));
            case Match.Any(List<Match> terms) -> terms.stream().anyMatch(t -> holds(t, packet));
            case Match.Not(Match term) -> !holds(term, packet);
        };
    }

    private static Map<Field, Bits> tcp(long port) {
        var packet = new EnumMap<Field, Bits>(Field.class);
        packet.put(Field.ETH_TYPE, Bits.of(IP4));
        packet.put(Field.IP_PROTO, Bits.of(6));
        packet.put(Field.L4_DST, Bits.of(port));
        return packet;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "tcp.dst == 80 ~ true",
                "tcp.dst == 81 ~ false",
                "tcp.dst != 81 ~ true",
                "!(tcp.dst == 80) ~ false",
                "!(tcp.dst == 81) ~ true",
                "udp.dst == 80 ~ false",
                "udp.dst != 80 ~ false",
                "80 == tcp.dst ~ true",
                "tcp.dst == {22, 80 443} ~ true",
                "tcp.dst != {22, 80} ~ false",
                "tcp.dst == 0x50 ~ true",
                "tcp.dst == 0x50/0xfff0 ~ true",
                "tcp.dst == 0x40/0xfff0 ~ false",
                "1 <= tcp.dst <= 100 ~ true",
                "81 <= tcp.dst <= 100 ~ false",
                "100 >= tcp.dst > 79 ~ true",
                "tcp.dst < 80 ~ false",
                "tcp.dst <= 80 ~ true",
                "tcp.dst >= 81 ~ false",
                "tcp.dst[4] ~ true",
                "tcp.dst[0] ~ false",
                "!tcp.dst[0] ~ true",
                "tcp.dst[4..6] == 5 ~ true",
                "tcp.dst[4..7] > 4 ~ true",
                "tcp.dst[4..7] >= 6 ~ false",
                "tcp.dst[4..7] < 6 ~ true",
                "tcp.dst[4..7] <= 4 ~ false",
                "ip4 ~ true",
                "ip4 != 0 ~ true",
                "ip ~ true",
                "ip6 ~ false",
                "icmp || tcp ~ true",
                "icmp4 || (udp && ip4) ~ false",
                "ip4.src == 0.0.0.0/0 ~ true",
                "ip6.src == ::/0 ~ false",
                "ip.later_frag ~ false",
                "!ip.later_frag ~ true",
                "1 ~ true",
                "0 ~ false",
                "!(1) ~ false",
                "(((1))) && ip4 // comment ~ true",
                "ip4 /* here */ && tcp ~ true",
            })
    void ofATcpPacketToPort80(String text, boolean expected) {
        assertThat(holds(compile(text), tcp(80))).isEqualTo(expected);
    }

    @Test
    void expressionsOnConnectionState() {
        var untracked = new EnumMap<Field, Bits>(Field.class);
        var fresh = new EnumMap<Field, Bits>(Map.of(Field.CT_STATE, Bits.of(32 | 1)));
        var established = new EnumMap<Field, Bits>(Map.of(Field.CT_STATE, Bits.of(32 | 2)));
        // "!ct.est" requires ct.trk as "ct.est" does.
        assertThat(holds(compile("!ct.est"), untracked)).isFalse();
        assertThat(holds(compile("!ct.est"), fresh)).isTrue();
        assertThat(holds(compile("!ct.est"), established)).isFalse();
        assertThat(holds(compile("!ct.trk"), untracked)).isTrue();
        assertThat(holds(compile("!ct.trk"), fresh)).isFalse();
        assertThat(holds(compile("ct.new && !ct.est"), fresh)).isTrue();
        established.put(Field.CT_MARK, Bits.of(1));
        assertThat(holds(compile("ct.est && ct_mark.blocked == 1"), established)).isTrue();
        assertThat(holds(compile("ct.est && ct_mark.blocked == 0"), established)).isFalse();
        established.put(Field.CT_LABEL, Bits.of(1));
        assertThat(holds(compile("ct_label.blocked"), established)).isTrue();
        assertThat(holds(compile("ct.inv || (ct.est && ct.rpl)"), established)).isFalse();
    }

    @Test
    void registersOverlayAsInOpenVSwitch() {
        // reg0 is the most significant part of xxreg0 and xreg0 (ovn-sb(5), "Symbols").
        var packet =
                new EnumMap<Field, Bits>(
                        Map.of(
                                Field.REG0, Bits.of(0xfd01_0000L),
                                Field.REG3, Bits.of(0x11),
                                Field.REG1, Bits.of(0)));
        assertThat(holds(compile("xxreg0 == fd01::11"), packet)).isTrue();
        assertThat(holds(compile("xxreg0 == fd01::/16"), packet)).isTrue();
        assertThat(holds(compile("xxreg0[0..31] == 17"), packet)).isTrue();
        assertThat(holds(compile("xreg0[32..63] == 0xfd010000"), packet)).isTrue();
        assertThat(holds(compile("xreg1 == 17"), packet)).isTrue();
    }

    @Test
    void namesOfPortsAndSets() {
        var packet = new EnumMap<Field, Bits>(tcp(80));
        packet.put(Field.IN_PORT, Bits.of(0x10001));
        packet.put(Field.IP4_SRC, Bits.of(0x0a000001));
        assertThat(holds(compile("inport == \"vm1\""), packet)).isTrue();
        assertThat(holds(compile("inport == {\"vm2\", \"vm1\"}"), packet)).isTrue();
        assertThat(holds(compile("inport == \"vm2\""), packet)).isFalse();
        assertThat(compile("inport == \"unknown\"")).isEqualTo(Matches.FALSE);
        assertThat(compile("inport == @pg1")).isEqualTo(new Match.In(Field.IN_PORT, "@pg1"));
        assertThat(compile("ip4.src == $as")).asString().contains("set=$as/32");
        assertThat(compile("ip6.src == $as")).asString().contains("set=$as/128");
        assertThat(compile("eth.src == $as")).asString().contains("set=$as/48");
        assertThat(holds(compile("ip4.src == {$as, 10.0.0.0/8}"), packet)).isTrue();
        assertThat(holds(compile("ip4.src != $as"), packet)).isTrue();
        assertThat(compile("is_chassis_resident(\"vm1\")")).isEqualTo(Matches.TRUE);
        assertThat(compile("!is_chassis_resident(\"vm1\")")).isEqualTo(Matches.FALSE);
    }

    @Test
    void neighbourDiscoveryNeedsAllItsHeaders() {
        var packet = new EnumMap<Field, Bits>(Field.class);
        packet.put(Field.ETH_TYPE, Bits.of(IP6));
        packet.put(Field.IP_PROTO, Bits.of(58));
        packet.put(Field.IP_TTL, Bits.of(255));
        packet.put(Field.ICMP_TYPE, Bits.of(135));
        packet.put(Field.ND_TARGET, new Bits(0xfd01_0000_0000_0000L, 0x11));
        assertThat(holds(compile("nd_ns && nd.target == fd01::11"), packet)).isTrue();
        assertThat(holds(compile("nd"), packet)).isTrue();
        assertThat(holds(compile("nd_na"), packet)).isFalse();
        packet.put(Field.IP_TTL, Bits.of(64));
        assertThat(holds(compile("nd_ns"), packet)).isFalse();
    }

    /** Order relations on parts of fields are built of single-bit tests. */
    @Test
    void relationsOnPartsAgreeWithArithmetic() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        String[] relations = {"<", "<=", ">", ">=", "==", "!="};
        for (int i = 0; i < 500; i++) {
            int low = random.nextInt(24);
            int width = 1 + random.nextInt(8);
            long constant = random.nextInt(1 << width);
            long register = random.nextInt() & 0xffff_ffffL;
            long part = register >>> low & (1L << width) - 1;
            String relation = relations[random.nextInt(relations.length)];
            String text =
                    "reg5[" + low + ".." + (low + width - 1) + "] " + relation + " " + constant;
            boolean expected =
                    switch (relation) {
                        case "<" -> part < constant;
                        case "<=" -> part <= constant;
                        case ">" -> part > constant;
                        case ">=" -> part >= constant;
                        case "==" -> part == constant;
                        default -> part != constant;
                    };
            assertThat(holds(compile(text), Map.of(Field.REG5, Bits.of(register))))
                    .as("%s of %x, seed %d", text, register, seed)
                    .isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "ip4 &&",
                "ip4 && tcp || udp",
                "(ip4",
                "ip4)",
                "ip4 tcp",
                "!tcp.dst == 80",
                "tcp.dst",
                "tcp.dst == 65536",
                "tcp.dst == \"text\"",
                "inport == 1",
                "inport < \"vm1\"",
                "tcp.dst == udp.dst",
                "1 == 1",
                "2",
                "ip.proto > 5",
                "ip.proto[0]",
                "reg0[32]",
                "reg0[5..2] == 1",
                "tcp.dst == {}",
                "ip4.src == 1.2.3",
                "ip4.src == 1.2.3.4/33",
                "eth.src == 1:2:3",
                "ip4.src == @pg",
                "inport == $as",
                "ip4 == 2",
                "1 <= tcp.dst >= 2",
                "inport == \"no end",
                "ip4 /* no end",
                "ip4 # tcp",
                "is_chassis_resident(vm1)",
            })
    void isNoExpression(String text) {
        assertThatThrownBy(() -> MatchParser.parse(text, SCOPE))
                .isInstanceOfSatisfying(
                        OvnException.class,
                        e -> assertThat(e.category()).isEqualTo(OvnException.Category.SYNTAX));
    }

    @Test
    void whatIsNotKnownCoversAtLeastWhatItCould() {
        MatchParser.Result result =
                MatchParser.parse("ip4 && !(pkt.mark == 5 || tcp.dst == 80)", SCOPE);
        assertThat(result.unsupported()).containsExactly("match on pkt.mark");
        assertThat(holds(result.match(), tcp(80))).isFalse();
        assertThat(holds(result.match(), tcp(81))).isTrue();
    }

    @Test
    void nestingHasALimit() {
        String deep = "(".repeat(200) + "1" + ")".repeat(200);
        assertThatThrownBy(() -> MatchParser.parse(deep, SCOPE))
                .hasMessageContaining("nested deeper");
    }
}
