package dev.iod.ovn;

import dev.iod.pipeline.Field;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A name that matches and actions use (ovn-sb(5), Logical_Flow, "Symbols"). {@code requires} is an
 * expression that using the symbol adds, empty for none.
 */
sealed interface Symbol {
    String requires();

    /**
     * An integer.
     *
     * @param nominal only tests for equality make sense, and no part of it
     */
    record Number(Span span, String requires, boolean nominal, boolean writable)
            implements Symbol {}

    /** The logical in- or output port; only {@code outport} is written by assignments. */
    record PortName(Field field, String requires) implements Symbol {}

    /**
     * Shorthand for an expression.
     *
     * @param nominal it says something of a nominal field, so its opposite cannot be tested
     */
    record Predicate(String expansion, String requires, boolean nominal) implements Symbol {}

    /** Something of OVN's that packets here do not have. */
    record Unknown(String requires) implements Symbol {}

    static Optional<Symbol> named(String name) {
        return Optional.ofNullable(Names.ALL.get(name));
    }

    /** The table of symbols of OVN 23.03. */
    final class Names {
        private static final Map<String, Symbol> ALL = new HashMap<>();

        private Names() {}

        static {
            registers();
            metadata();
            ethernet();
            ip();
            arp();
            transport();
            icmp();
            connection();
        }

        private static void number(
                String name, Span span, String requires, boolean nominal, boolean writable) {
            ALL.put(name, new Number(span, requires, nominal, writable));
        }

        private static void field(String name, Field field, String requires, boolean writable) {
            number(name, Span.of(field), requires, false, writable);
        }

        private static void part(String name, Field field, int offset, int width, String needs) {
            number(name, Span.of(field).sub(offset, width), needs, false, true);
        }

        private static void predicate(String name, String expansion) {
            boolean nominal =
                    Lexer.tokens(expansion).stream()
                            .filter(token -> token.kind() == Lexer.Kind.NAME)
                            .anyMatch(token -> isNominal(ALL.get(token.text())));
            ALL.put(name, new Predicate(expansion, "", nominal));
        }

        private static boolean isNominal(@Nullable Symbol symbol) {
            return switch (symbol) {
                case Number number -> number.nominal();
                case Predicate predicate -> predicate.nominal();
                case PortName ignored -> true;
                case Unknown ignored -> false;
                case null -> throw new IllegalStateException("an expansion's symbol comes first");
            };
        }

        private static void unknown(String name) {
            ALL.put(name, new Unknown(""));
        }

        private static Field register(int number) {
            return Field.valueOf("REG" + number);
        }

        private static void registers() {
            for (int i = 0; i < 10; i++) {
                field("reg" + i, register(i), "", true);
            }
            for (int i = 0; i < 5; i++) {
                number("xreg" + i, Span.of(register(2 * i + 1), register(2 * i)), "", false, true);
            }
            for (int i = 0; i < 2; i++) {
                number(
                        "xxreg" + i,
                        Span.of(
                                register(4 * i + 3),
                                register(4 * i + 2),
                                register(4 * i + 1),
                                register(4 * i)),
                        "",
                        false,
                        true);
            }
        }

        private static void metadata() {
            ALL.put("inport", new PortName(Field.IN_PORT, ""));
            ALL.put("outport", new PortName(Field.OUT_PORT, ""));
            field("flags", Field.FLAGS, "", true);
            // Bit numbers of OVN's enum mff_log_flags_bits; stock chassis use the same.
            part("flags.loopback", Field.FLAGS, 0, 1, "");
            part("flags.force_snat_for_dnat", Field.FLAGS, 2, 1, "");
            part("flags.force_snat_for_lb", Field.FLAGS, 3, 1, "");
            part("flags.skip_snat_for_lb", Field.FLAGS, 9, 1, "");
            part("flags.use_snat_zone", Field.FLAGS, 11, 1, "");
            part("flags.localnet", Field.FLAGS, 15, 1, "");
            unknown("pkt.mark");
        }

        private static void ethernet() {
            field("eth.src", Field.ETH_SRC, "", true);
            field("eth.dst", Field.ETH_DST, "", true);
            number("eth.type", Span.of(Field.ETH_TYPE), "", true, false);
            predicate("eth.bcast", "eth.dst == ff:ff:ff:ff:ff:ff");
            part("eth.mcast", Field.ETH_DST, 40, 1, "");
            predicate("eth.mcastv6", "eth.dst[32..47] == 0x3333");
            field("vlan.tci", Field.VLAN_TCI, "", true);
            predicate("vlan.present", "vlan.tci[12]");
            part("vlan.pcp", Field.VLAN_TCI, 13, 3, "vlan.present");
            part("vlan.vid", Field.VLAN_TCI, 0, 12, "vlan.present");
        }

        private static void ip() {
            predicate("ip4", "eth.type == 0x800");
            predicate("ip6", "eth.type == 0x86dd");
            predicate("ip", "ip4 || ip6");
            number("ip.proto", Span.of(Field.IP_PROTO), "ip", true, false);
            number("ip.dscp", Span.of(Field.IP_DSCP), "ip", true, true);
            number("ip.ecn", Span.of(Field.IP_ECN), "ip", true, true);
            number("ip.ttl", Span.of(Field.IP_TTL), "ip", true, true);
            field("ip.frag", Field.IP_FRAG, "ip", false);
            predicate("ip.is_frag", "ip.frag[0]");
            predicate("ip.later_frag", "ip.frag[1]");
            predicate("ip.first_frag", "ip.is_frag && !ip.later_frag");
            field("ip4.src", Field.IP4_SRC, "ip4", true);
            field("ip4.dst", Field.IP4_DST, "ip4", true);
            predicate("ip4.src_mcast", "ip4.src[28..31] == 0xe");
            predicate("ip4.mcast", "eth.mcast && ip4.dst[28..31] == 0xe");
            field("ip6.src", Field.IP6_SRC, "ip6", true);
            field("ip6.dst", Field.IP6_DST, "ip6", true);
            field("ip6.label", Field.IP6_LABEL, "ip6", true);
            predicate("ip6.mcast", "eth.mcastv6 && ip6.dst[120..127] == 0xff");
            predicate("ip6.mcast_rsvd", "ip6.dst[116..127] == 0xff0 && ip6.dst[0..111] == 0");
            predicate("ip6.mcast_all_nodes", "ip6.dst == ff01::1 || ip6.dst == ff02::1");
            predicate(
                    "ip6.mcast_all_rtrs",
                    "ip6.dst == ff01::2 || ip6.dst == ff02::2 || ip6.dst == ff05::2");
            predicate("ip6.mcast_sol_node", "ip6.dst == ff02::1:ff00:0000/104");
            predicate(
                    "ip6.mcast_flood",
                    "eth.mcastv6 && (ip6.mcast_rsvd || ip6.mcast_all_nodes"
                            + " || ip6.mcast_all_rtrs || ip6.mcast_sol_node)");
        }

        private static void arp() {
            arp("arp", 0x806);
            arp("rarp", 0x8035);
        }

        private static void arp(String name, int etherType) {
            predicate(name, "eth.type == " + etherType);
            number(name + ".op", Span.of(Field.ARP_OP), name, true, true);
            field(name + ".spa", Field.ARP_SPA, name, true);
            field(name + ".sha", Field.ARP_SHA, name, true);
            field(name + ".tpa", Field.ARP_TPA, name, true);
            field(name + ".tha", Field.ARP_THA, name, true);
        }

        private static void transport() {
            predicate("tcp", "ip.proto == 6");
            predicate("udp", "ip.proto == 17");
            predicate("sctp", "ip.proto == 132");
            for (String protocol : new String[] {"tcp", "udp", "sctp"}) {
                field(protocol + ".src", Field.L4_SRC, protocol, true);
                field(protocol + ".dst", Field.L4_DST, protocol, true);
            }
            field("tcp.flags", Field.TCP_FLAGS, "tcp", false);
        }

        private static void icmp() {
            predicate("icmp4", "ip4 && ip.proto == 1");
            predicate("icmp6", "ip6 && ip.proto == 58");
            predicate("icmp", "icmp4 || icmp6");
            predicate("igmp", "ip4 && ip.proto == 2");
            for (String version : new String[] {"icmp4", "icmp6"}) {
                number(version + ".type", Span.of(Field.ICMP_TYPE), version, true, true);
                number(version + ".code", Span.of(Field.ICMP_CODE), version, true, true);
            }
            // RFC 1191 §4: the low half of the word; RFC 4443 §3.2: all of it.
            part("icmp4.frag_mtu", Field.ICMP_REST, 0, 16, "icmp4");
            part("icmp6.frag_mtu", Field.ICMP_REST, 0, 32, "icmp6");
            String rest = " && icmp6.code == 0 && ip.ttl == 255";
            predicate("nd", "icmp6.type == {135, 136}" + rest);
            predicate("nd_ns", "icmp6.type == 135" + rest);
            predicate("nd_ns_mcast", "ip6.mcast && icmp6.type == 135" + rest);
            predicate("nd_na", "icmp6.type == 136" + rest);
            predicate("nd_rs", "icmp6.type == 133" + rest);
            predicate("nd_ra", "icmp6.type == 134" + rest);
            field("nd.target", Field.ND_TARGET, "nd", true);
            field("nd.sll", Field.ND_SLL, "nd_ns", true);
            field("nd.tll", Field.ND_TLL, "nd_na", true);
            predicate("mldv1", "ip6.src == fe80::/10 && icmp6.type == {130, 131, 132}");
            predicate("mldv2", "ip6.dst == ff02::16 && icmp6.type == 143");
        }

        private static void connection() {
            field("ct_state", Field.CT_STATE, "", false);
            String[] states = {"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"};
            for (int bit = 0; bit < states.length; bit++) {
                String requires = states[bit].equals("trk") ? "" : "ct.trk";
                number(
                        "ct." + states[bit],
                        Span.of(Field.CT_STATE).sub(bit, 1),
                        requires,
                        false,
                        false);
            }
            field("ct_mark", Field.CT_MARK, "", true);
            part("ct_mark.blocked", Field.CT_MARK, 0, 1, "");
            part("ct_mark.natted", Field.CT_MARK, 1, 1, "");
            part("ct_mark.skip_snat", Field.CT_MARK, 2, 1, "");
            part("ct_mark.force_snat", Field.CT_MARK, 3, 1, "");
            part("ct_mark.ecmp_reply_port", Field.CT_MARK, 16, 16, "");
            field("ct_label", Field.CT_LABEL, "", true);
            part("ct_label.blocked", Field.CT_LABEL, 0, 1, "");
            part("ct_label.natted", Field.CT_LABEL, 1, 1, "");
            part("ct_label.skip_snat", Field.CT_LABEL, 2, 1, "");
            part("ct_label.force_snat", Field.CT_LABEL, 3, 1, "");
            part("ct_label.ecmp_reply_eth", Field.CT_LABEL, 32, 48, "");
            part("ct_label.ecmp_reply_port", Field.CT_LABEL, 80, 16, "");
            part("ct_label.label", Field.CT_LABEL, 96, 32, "");
        }
    }
}
