package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The grammar and the types of ovn-sb(5): which texts mean the same, and which are none, with the
 * word that makes them so. What OVN's own tests accept and refuse are the facts behind the cases.
 */
class GrammarTest {
    private static final int PACKETS = 300;

    /** A packet of chance, of few values, so that comparisons often hold. */
    private static Map<Field, Bits> packet(Random random) {
        var packet = new EnumMap<Field, Bits>(Field.class);
        packet.put(Field.VLAN_TCI, Bits.of(random.nextInt(16) << 12 | random.nextInt(3)));
        packet.put(Field.ETH_DST, Bits.of(random.nextInt(4) | (long) random.nextInt(2) << 40));
        packet.put(Field.ETH_TYPE, Bits.of(random.nextBoolean() ? 0x800 : 0x86dd));
        packet.put(Field.IP_PROTO, Bits.of(List.of(1, 6, 17, 58).get(random.nextInt(4))));
        packet.put(Field.IP4_SRC, Bits.of(0x0a000000L | random.nextInt(4)));
        packet.put(Field.IP6_SRC, new Bits(0xfd01_0000_0000_0000L, random.nextInt(4)));
        packet.put(Field.L4_DST, Bits.of(78 + random.nextInt(5)));
        packet.put(Field.TCP_FLAGS, Bits.of(random.nextInt(32)));
        packet.put(Field.IN_PORT, Bits.of(0x10000 + random.nextInt(4)));
        packet.put(Field.CT_STATE, Bits.of(random.nextInt(64)));
        packet.put(Field.REG0, Bits.of(random.nextInt(8)));
        packet.put(Field.REG1, Bits.of(random.nextInt(8)));
        packet.put(Field.IP_FRAG, Bits.of(random.nextInt(4)));
        return packet;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "eth.type == 0x800 ~ ip4",
                "eth.type[0..15] == 0x800 ~ ip4",
                "2048 == eth.type ~ ip4",
                "ip4 == 1 ~ ip4",
                "ip4 != 0 ~ ip4",
                "!(ip4 == 0) ~ ip4",
                "!(ip4 != 1) ~ ip4",
                "!(eth.type != 0x800) ~ ip4",
                "vlan.present == 1 ~ vlan.present",
                "!(vlan.present == 0) ~ vlan.present",
                "vlan.present != 1 ~ !vlan.present",
                "!(vlan.present) ~ vlan.present == 0",
                "vlan.tci[12] ~ vlan.present",
                "vlan.tci == 0x3000/0xf000 ~ vlan.tci[12..15] == 3",
                "vlan.tci != 0x3000/0xf000 ~ vlan.tci[12..15] != 0x3",
                "!vlan.pcp ~ vlan.pcp == 0",
                "!(vlan.pcp) ~ vlan.pcp == 0",
                "!(vlan.pcp < 4) ~ vlan.pcp >= 4",
                "!(vlan.pcp >= 4) ~ vlan.pcp < 4",
                "4 > vlan.pcp ~ vlan.pcp < 4",
                "!(4 <= vlan.pcp) ~ 4 > vlan.pcp",
                "1 < vlan.pcp < 4 ~ vlan.pcp == {2, 3}",
                "1 <= vlan.pcp < 4 ~ vlan.pcp == {1 2 3}",
                "4 >= vlan.pcp > 1 ~ vlan.pcp > 1 && vlan.pcp <= 4",
                "!(1 < vlan.pcp < 4) ~ vlan.pcp <= 1 || vlan.pcp >= 4",
                "!(4 >= vlan.pcp >= 1) ~ vlan.pcp > 4 || vlan.pcp < 1",
                "vlan.pcp != {1, 2} ~ vlan.pcp != 1 && vlan.pcp != 2",
                "!(vlan.pcp == {1, 2}) ~ vlan.pcp != {1, 2}",
                "!(vlan.pcp == 1 && vlan.pcp == 2) ~ vlan.pcp != 1 || vlan.pcp != 2",
                "!(!(vlan.pcp == 1 && vlan.pcp != 2) && vlan.pcp == 4) ~"
                        + " (vlan.pcp == 1 && vlan.pcp != 2) || vlan.pcp != 4",
                "((ip4)) && ((tcp)) ~ ip4 && tcp",
                "ip4.src == 10.0.0.1 ~ ip4.src == 0xa000001",
                "ip4.src == 10.0.0.2/31 ~ ip4.src == {10.0.0.2, 10.0.0.3}",
                "ip4.src == 10.0.0.3/255.255.255.254 ~ ip4.src == {10.0.0.2, 10.0.0.3}",
                "ip4.src == ::10.0.0.1/::ffff:ffff ~ ip4.src == 10.0.0.1",
                "ip6.src == fd01::2/127 ~ ip6.src == {fd01::2, fd01::3}",
                "ip6.src[0..63] == 1 && ip6 ~ ip6.src == ::1/::ffff:ffff:ffff:ffff",
                "eth.dst == 01:00:00:00:00:01 ~ eth.mcast && eth.dst[0..39] == 1",
                "eth.dst[40] == 1 ~ eth.mcast",
                "eth.dst != 01:00:00:00:00:00/01:00:00:00:00:00 ~ !eth.mcast",
                "tcp.flags == 2/2 ~ tcp.flags[1]",
                "tcp.dst != 80 ~ tcp && !(tcp.dst == 80)",
                "tcp ~ ip.proto == 6",
                "ct.new && !ct.est ~ ct_state == 0x21/0x23",
                "ct_state[5] == 0 ~ !ct.trk",
                "xreg0 == 0x300000002 ~ reg0 == 3 && reg1 == 2",
                "xreg0[32..47] == 3 ~ reg0[0..15] == 3",
                "ip.frag[0] && ip ~ ip.is_frag",
                "ip.first_frag ~ ip.frag == 1",
                "inport == {\"vm1\", \"vm2\"} ~ inport == \"vm1\" || inport == \"vm2\"",
                "!(inport != \"vm1\") ~ inport == \"vm1\"",
                "inport == \"\" ~ 0",
                "!1 ~ 0",
                "!(0) ~ 1",
                "!is_chassis_resident(\"vm2\") ~ 1",
                "ip4/**/&&/* x */tcp // end ~ ip4 && tcp",
            })
    void sameMeaning(String text, String other) {
        Match one = MatchParserTest.compile(text);
        Match two = MatchParserTest.compile(other);
        var random = new Random(1);
        for (int i = 0; i < PACKETS; i++) {
            Map<Field, Bits> packet = packet(random);
            assertThat(MatchParserTest.holds(one, packet))
                    .as("%s for %s", text, packet)
                    .isEqualTo(MatchParserTest.holds(two, packet));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                // Types of fields and constants.
                "ip4.src == \"eth0\" ~ ip4.src",
                "inport == 1 ~ inport",
                "ip4.src == ::1 ~ ip4.src has 32 bits",
                "eth.src == fd01::1 ~ eth.src",
                "tcp.dst == 65536 ~ tcp.dst",
                "ip.proto == 256 ~ ip.proto",
                "reg0 == 1.2.3.4/33 ~ 33",
                "tcp.dst == 80/0xff ~ written differently",
                "ip4.src == 10.0.0.0/0xff ~ written differently",
                "ct_mark == 18446744073709551616 ~ 2**64",
                "reg0 == 01 ~ leading zeros",
                "reg0 == 0x ~ not a number",
                "ip4.src == 256.1.2.3 ~ 256.1.2.3",
                "ip4.src == 1.2.3 ~ 1.2.3",
                "eth.src == 00:01:02:03:04 ~ 00:01:02:03:04",
                "{1, \"eth0\"} == inport ~ inport",
                // Nominal fields and predicates.
                "eth.type > 0x800 ~ eth.type",
                "eth.type != 0x800 ~ eth.type",
                "!(eth.type == 0x800) ~ eth.type",
                "ip.ttl != 3 ~ ip.ttl",
                "ip.proto < 6 ~ ip.proto",
                "ip.dscp != 1 ~ ip.dscp",
                "ip.ecn > 1 ~ ip.ecn",
                "arp.op != 1 ~ arp.op",
                "icmp4.type != 8 ~ icmp4.type",
                "inport != \"vm1\" ~ inport",
                "!(inport == \"vm1\") ~ inport",
                "outport != @pg ~ outport",
                "inport < \"vm1\" ~ inport",
                "!tcp ~ tcp",
                "tcp == 0 ~ tcp",
                "tcp != 1 ~ tcp",
                "!(ip4 && tcp) ~ ip4",
                "!nd ~ nd",
                "!ip ~ ip ",
                "eth.type[10] == 1 ~ eth.type",
                "ip.proto[0..3] == 1 ~ ip.proto",
                "icmp6.type[0] ~ icmp6.type",
                // Relations.
                "vlan.present > 0 ~ vlan.present",
                "ip4.src > {10.0.0.1, 10.0.0.2} ~ sets",
                "ip4.src >= $as ~ ip4.src",
                "eth.src > 00:00:00:00:11:11/00:00:00:00:ff:ff ~ eth.src",
                "1 == reg0 == 2 ~ 1 <= field <= 5",
                "1 < reg0 > 2 ~ 1 <= field <= 5",
                "123 == 123 ~ constants",
                "reg0 == reg1 ~ symbols",
                "ip4 == 2 ~ ip4",
                "tcp.dst ~ tcp.dst",
                "!(!(vlan.pcp)) ~ vlan.pcp",
                "!!vlan.present ~ !",
                "!0x800 != eth.type ~ !",
                "!tcp.dst == 80 ~ parentheses",
                "inport ~ inport",
                "ip4.src = 1.2.3.4 ~ =",
                // Parts.
                "inport[1] == 1 ~ inport",
                "ip4[0] ~ ip4",
                "reg0[] == 1 ~ ]",
                "reg0[::1] == 1 ~ ::1",
                "reg0[18446744073709551615] == 1 ~ 18446744073709551615",
                "reg0[5!] ~ !",
                "reg0[5..1] ~ 5..1",
                "reg0[12..32] ~ reg0",
                // Form.
                "ip4 && tcp || udp ~ parenthesized",
                "ip4 || tcp && udp ~ parenthesized",
                "ip4 tcp ~ tcp",
                "ip4 & tcp ~ &",
                "ip4 | tcp ~ |",
                "ip4 ^ tcp ~ ^",
                "(1 x) ~ x",
                "123 ~ constant",
                "123 x ~ x",
                "{1} ~ constant",
                "() ~ )",
                "(ip4 ~ end of text",
                "eth.dst == {} ~ empty",
                "eth.dst == {00:00:00:00:00:01, badmac} ~ badmac",
                "eth.type == xyzzy ~ symbols",
                "$name ~ constant",
                "@name ~ constant",
                "ip4.src == $ ~ name",
                "ip4.src == @pg ~ @pg",
                "inport == $as ~ $as",
                "nothing_known(\"vm1\") ~ (",
                "is_chassis_resident(vm1) ~ vm1",
                "is_chassis_resident() ~ )",
                "ip4 /* no end ~ end",
                "inport == \"no end ~ end",
                "a/b ~ /",
            })
    void refusedExpression(String text, String word) {
        refused(() -> MatchParser.parse(text, MatchParserTest.SCOPE), word);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "drop; next; ~ drop",
                "next; drop; ~ drop",
                "clone { drop; }; ~ drop",
                "next ~ ;",
                "next(); ~ next()",
                "next(10; ~ ;",
                "next(table=); ~ a table",
                "next(77); ~ 77",
                "next(table=1 pipeline=egress); ~ pipeline",
                "next(pipeline=sideways); ~ sideways",
                "next(way=1); ~ way",
                "output ~ end of text",
                "output; } ~ }",
                "ip.ttl ~ ip.ttl",
                "eth.dst[40] == 1; ~ =",
                "inport[1] = 1; ~ inport",
                "ip.proto[1] = 1; ~ ip.proto",
                "ip = 1; ~ ip ",
                "vlan.present = 0; ~ vlan.present",
                "ip.proto = 6; ~ ip.proto",
                "eth.type = 0x800; ~ eth.type",
                "ct_state = 1; ~ ct_state",
                "ct.new = 1; ~ ct.new",
                "ip.frag = 1; ~ ip.frag",
                "tcp.flags = 1; ~ tcp.flags",
                "ct_mark = 12345; ~ ct_mark",
                "ct_label = 0xcafe; ~ ct_label",
                "ct_label.blocked = 1; ~ ct_label.blocked",
                "reg0[0] = vlan.present; ~ vlan.present",
                "reg0 = reg1[0..10]; ~ 11",
                "reg0 <-> reg1[0..10]; ~ 11",
                "reg0[0..7] <-> ip.proto; ~ ip.proto",
                "outport = reg0; ~ reg0",
                "outport <-> reg0; ~ reg0",
                "reg0 = inport; ~ inport",
                "tcp.dst = 65536; ~ tcp.dst",
                "ip4.dst = fd01::1; ~ ip4.dst",
                "reg0 = \"eth0\"; ~ eth0",
                "reg0 = 1 ~ ;",
                "ip.dscp--; ~ ip.ttl",
                "ct_commit { ip4.dst = 192.168.0.1; }; ~ ip4.dst",
                "ct_commit { ct_label = 18446744073709551616; }; ~ 2**64",
                "ct_commit { ct_label = 0x181716151413121110090807060504030201; }; ~ 128 bits",
                "ct_commit { ct_mark = 1; ~ ct_mark",
                "arp { output; } ~ ;",
                "arp; ~ {",
                "sctp_abort; ~ {",
                "get_arp(inport); ~ ,",
                "get_arp(ip4.dst, inport); ~ ip4.dst",
                "get_arp(inport, ip4.dst, 1); ~ ,",
                "put_arp(inport, arp.spa); ~ ,",
                "reg0[0] = lookup_arp(inport, ip4.dst); ~ ,",
                "reg0[0..1] = check_in_port_sec(); ~ one bit",
                "reg0 = check_pkt_larger(1500); ~ one bit",
                "reg0[0] = check_pkt_larger(); ~ )",
                "reg0[0] = put_dhcp_opts(); ~ offerip",
                "reg0[0] = put_dhcp_opts(netmask = 255.0.0.0); ~ offerip",
                "reg0[0] = put_dhcp_opts(offerip = 1.2.3.4, mtu = \"x\"); ~ mtu",
            })
    void refusedActions(String text, String word) {
        refused(() -> parse(text), word);
    }

    /** Known to OVN, not to this chassis: the flow fails closed and names the word. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "ct_lb(backends=192.168.1.2:80); ~ ct_lb",
                "ct_lb_mark; ~ ct_lb_mark",
                "ct_dnat(192.168.1.2); ~ ct_dnat",
                "ct_snat_in_czone; ~ ct_snat_in_czone",
                "ct_dnat(192.168.1.2, 1-3000); ~ ct_dnat",
                "reg0 = ^variable; ~ variable",
                "ct_commit(ct_mark=1); ~ ct_commit",
                "set_queue(5); ~ set_queue",
                "sample(probability=1); ~ sample",
                "log(severity=info); ~ log",
                "trigger_event(event = \"empty_lb_backends\"); ~ trigger_event",
                "igmp; ~ igmp",
                "bind_vport(\"x\", inport); ~ bind_vport",
                "fwd_group(childports=\"a\"); ~ fwd_group",
                "select(reg8[0..15], 1, 2); ~ select",
                "dhcp_relay_req_chk; ~ dhcp_relay_req_chk",
                "reg0[0] = put_dhcpv6_opts(ia_addr = fd01::2); ~ put_dhcpv6_opts",
                "reg0[0] = dns_lookup(); ~ dns_lookup",
                "reg0[0] = chk_lb_hairpin(); ~ chk_lb_hairpin",
                "inport = \"\"; ~ inport",
                "pkt.mark = 1; ~ pkt.mark",
                "vlan.pcp = 2; ~ vlan.pcp",
            })
    void failsClosed(String text, String word) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOfSatisfying(
                        OvnException.class,
                        e -> assertThat(e.category()).isEqualTo(OvnException.Category.UNSUPPORTED))
                .hasMessageContaining(word);
    }

    private static ActionParser.Result parse(String text) {
        var place = new ActionParser.Place(Stage.INGRESS, 5, true);
        return ActionParser.parse(text, place, MatchParserTest.SCOPE);
    }

    private static void refused(
            org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String word) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        OvnException.class,
                        e -> assertThat(e.category()).isEqualTo(OvnException.Category.SYNTAX))
                .hasMessageContaining(word);
    }
}
