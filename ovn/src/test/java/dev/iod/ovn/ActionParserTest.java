package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.pipeline.Action;
import dev.iod.pipeline.Action.Next;
import dev.iod.pipeline.Action.Reply;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Action.Zone;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Actions and what they become (ovn-sb(5), Logical_Flow, "actions"). */
class ActionParserTest {
    private static final Scope SCOPE =
            new Scope() {
                @Override
                public OptionalLong port(String name) {
                    return name.equals("vm1") ? OptionalLong.of(0x10001) : OptionalLong.empty();
                }

                @Override
                public DhcpOptions dhcp() {
                    return DHCP;
                }

                @Override
                public boolean resident(String port) {
                    return false;
                }

                @Override
                public String portGroup(String name) {
                    return name;
                }

                @Override
                public String addressSet(String name, int width) {
                    return name;
                }
            };

    static final DhcpOptions DHCP =
            new DhcpOptions(
                    Map.of(
                            "offerip", new DhcpOptions.Definition(0, "ipv4"),
                            "netmask", new DhcpOptions.Definition(1, "ipv4"),
                            "dns_server", new DhcpOptions.Definition(6, "ipv4"),
                            "mtu", new DhcpOptions.Definition(26, "uint16"),
                            "ip_forward_enable", new DhcpOptions.Definition(19, "bool"),
                            "domain_name", new DhcpOptions.Definition(15, "str"),
                            "domain_search_list", new DhcpOptions.Definition(119, "domains"),
                            "tftp_server", new DhcpOptions.Definition(66, "host_id"),
                            "classless_static_route",
                                    new DhcpOptions.Definition(121, "static_routes"),
                            "next_server", new DhcpOptions.Definition(253, "ipv4")));

    private static ActionParser.Result parse(String text) {
        var place = new ActionParser.Place(Stage.INGRESS, 5, true);
        return ActionParser.parse(text, place, SCOPE);
    }

    private static List<Action> actions(String text) {
        return parse(text).actions();
    }

    private static Action.Set set(Field field, int offset, int width, long value) {
        return new Action.Set(field.slice(offset, width), Bits.of(value));
    }

    private static Next next(Stage stage, int table) {
        return new Next(stage, table);
    }

    @Test
    void jumps() {
        assertThat(actions("next;")).containsExactly(next(Stage.INGRESS, 6));
        assertThat(actions("next(3);")).containsExactly(next(Stage.INGRESS, 3));
        assertThat(actions("next(pipeline=egress, table=2);"))
                .containsExactly(next(Stage.EGRESS, 2));
        assertThat(actions("")).containsExactly(new Action.Drop());
        assertThat(actions("/* drop */")).containsExactly(new Action.Drop());
        assertThat(actions("drop;")).containsExactly(new Action.Drop());
    }

    @Test
    void assignments() {
        assertThat(actions("reg0[1] = 1; next;"))
                .containsExactly(set(Field.REG0, 1, 1, 1), next(Stage.INGRESS, 6));
        assertThat(actions("outport = \"vm1\"; output;"))
                .containsExactly(set(Field.OUT_PORT, 0, 40, 0x10001), new Action.Output());
        assertThat(actions("xreg0[0..47] = fa:16:3e:00:00:01;"))
                .containsExactly(
                        set(Field.REG1, 0, 32, 0x3e000001L), set(Field.REG0, 0, 16, 0xfa16));
        assertThat(actions("eth.src = xreg0[0..47];"))
                .containsExactly(
                        new Action.Copy(Field.REG1.whole(), Field.ETH_SRC.slice(0, 32)),
                        new Action.Copy(Field.REG0.slice(0, 16), Field.ETH_SRC.slice(32, 16)));
        assertThat(actions("ip4.src <-> ip4.dst;"))
                .containsExactly(new Action.Swap(Field.IP4_SRC.whole(), Field.IP4_DST.whole()));
        assertThat(actions("xxreg0 = ip6.dst;")).hasSize(4);
        assertThat(actions("reg1 = 0x10/0x30;")).containsExactly(set(Field.REG1, 4, 2, 1));
        assertThat(actions("icmp4.frag_mtu = 1442;"))
                .containsExactly(set(Field.ICMP_REST, 0, 16, 1442));
        assertThat(actions("ip.ttl--; output;"))
                .containsExactly(new Action.DecrementTtl(), new Action.Output());
        assertThat(actions("outport <-> inport;"))
                .containsExactly(new Action.Swap(Field.OUT_PORT.whole(), Field.IN_PORT.whole()));
        assertThat(actions("flags.loopback = 1;"))
                .containsExactly(set(Field.FLAGS, 0, 1, Field.FLAG_LOOPBACK));
    }

    @Test
    void connections() {
        assertThat(actions("ct_next;"))
                .containsExactly(new Action.ConntrackNext(Zone.PORT), next(Stage.INGRESS, 6));
        assertThat(actions("ct_commit { ct_mark.blocked = 1; ct_label.label = reg3; };"))
                .containsExactly(
                        new Action.ConntrackCommit(
                                Zone.PORT,
                                List.of(
                                        set(Field.CT_MARK, 0, 1, 1),
                                        new Action.Copy(
                                                Field.REG3.whole(),
                                                Field.CT_LABEL.slice(96, 32)))));
        assertThat(actions("ct_commit;"))
                .containsExactly(new Action.ConntrackCommit(Zone.PORT, List.of()));
        assertThat(
                        ActionParser.parse(
                                        "ct_next;",
                                        new ActionParser.Place(Stage.EGRESS, 1, false),
                                        SCOPE)
                                .actions())
                .containsExactly(
                        new Action.ConntrackNext(Zone.DATAPATH_DNAT), next(Stage.EGRESS, 2));
    }

    @Test
    void madePackets() {
        assertThat(actions("arp { eth.dst = ff:ff:ff:ff:ff:ff; arp.op = 1; output; };"))
                .containsExactly(
                        new Action.Craft(
                                Reply.ARP,
                                List.of(
                                        set(Field.ETH_DST, 0, 48, 0xffff_ffff_ffffL),
                                        set(Field.ARP_OP, 0, 16, 1),
                                        new Action.Output())));
        // The body speaks of the made packet; the flow itself only needs IPv4.
        assertThat(parse("icmp4 { ip.ttl = 255; next; }; next;").required())
                .isEqualTo(MatchParser.parse("ip4", NoNames.SCOPE).match());
        assertThat(actions("clone { outport = \"vm1\"; output; }; next;").getFirst())
                .isInstanceOf(Action.Clone.class);
    }

    @Test
    void lookUps() {
        assertThat(actions("reg9[2] = lookup_arp(inport, arp.spa, arp.sha);"))
                .containsExactly(
                        new Action.NeighborCheck(
                                Field.IN_PORT.whole(),
                                Field.ARP_SPA.whole(),
                                Optional.of(Field.ARP_SHA.whole()),
                                Field.REG9.slice(2, 1)));
        assertThat(actions("get_nd(outport, xxreg0);"))
                .containsExactly(
                        new Action.NeighborGet(Field.OUT_PORT.whole(), Field.XXREG0.whole()));
        assertThat(actions("put_nd(inport, nd.target, nd.tll);"))
                .containsExactly(
                        new Action.NeighborPut(
                                Field.IN_PORT.whole(),
                                Field.ND_TARGET.whole(),
                                Field.ND_TLL.whole()));
        assertThat(actions("reg9[1] = check_pkt_larger(1456);"))
                .containsExactly(new Action.CheckLarger(1442, Field.REG9.slice(1, 1)));
        assertThat(actions("reg0[15] = check_in_port_sec();"))
                .containsExactly(new Action.PortSecurityIn(Field.REG0.slice(15, 1)));
    }

    private static String dhcp(String arguments) {
        Action action = actions("reg0[3] = put_dhcp_opts(" + arguments + ");").getFirst();
        var reply = (Action.DhcpReply) action;
        assertThat(reply.offeredAddress()).isEqualTo(0x0a000005);
        return HexFormat.of().formatHex(reply.options());
    }

    @Test
    void dhcpOptions() {
        assertThat(dhcp("offerip = 10.0.0.5, netmask = 255.255.255.0")).isEqualTo("0104ffffff00");
        assertThat(dhcp("offerip = 10.0.0.5, dns_server = {8.8.8.8, 1.1.1.1}"))
                .isEqualTo("06080808080801010101");
        assertThat(dhcp("mtu = 1442, offerip = 10.0.0.5, ip_forward_enable = 1"))
                .isEqualTo("1a0205a2" + "130101");
        assertThat(dhcp("offerip = 10.0.0.5, domain_name = \"a.b\"")).isEqualTo("0f03612e62");
        // RFC 3397: labels with lengths; RFC 3442: only the significant octets of a prefix.
        assertThat(dhcp("offerip = 10.0.0.5, domain_search_list = \"a.b,c\""))
                .isEqualTo("7708" + "0161016200" + "016300");
        assertThat(
                        dhcp(
                                "offerip = 10.0.0.5, classless_static_route ="
                                        + " {30.0.0.0/24,10.0.0.4, 0.0.0.0/0,10.0.0.1}"))
                .isEqualTo("790d" + "181e00000a000004" + "000a000001");
        assertThat(dhcp("offerip = 10.0.0.5, tftp_server = 10.0.0.9")).isEqualTo("42040a000009");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ct_lb(backends=10.0.0.1);",
                "ct_dnat(10.0.0.1);",
                "ct_snat;",
                "set_queue(1);",
                "log(verdict=allow);",
                "reg0[4] = dns_lookup();",
                "pkt.mark = 1;",
                "inport = \"vm1\";",
                "vlan.pcp = 2;",
                "vlan.tci[13..15] = 2;",
                "ip6.label = 1;",
                "reg0[3] = put_dhcp_opts(offerip = 10.0.0.5, next_server = 10.0.0.1);",
                "reg0[3] = put_dhcp_opts(offerip = 10.0.0.5, nonsense = 1);",
                "brand_new_action;",
            })
    void isNotExecuted(String text) {
        assertThatThrownBy(() -> actions(text))
                .isInstanceOfSatisfying(
                        OvnException.class,
                        e -> assertThat(e.category()).isEqualTo(OvnException.Category.UNSUPPORTED));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "next",
                "next(table=99);",
                "next(pipeline=sideways);",
                "reg0 = ;",
                "reg0[0] = 2;",
                "reg0 = reg1[0..3];",
                "eth.type = 0x800;",
                "ip.proto = 6;",
                "clone { next; ",
                "arp { next; }",
                "ct_commit { reg0 = 1; };",
                "ip.dscp--;",
                "get_arp(reg0, reg0);",
                "reg0[3] = put_dhcp_opts(netmask = 255.0.0.0);",
                "reg0[3] = put_dhcp_opts(offerip = 10.0.0.5, mtu = \"x\");",
                "reg0[3] = put_dhcp_opts(offerip = 10.0.0.5, mtu = 70000);",
                "reg0[0..1] = check_in_port_sec();",
            })
    void isNoActionList(String text) {
        assertThatThrownBy(() -> actions(text))
                .isInstanceOfSatisfying(
                        OvnException.class,
                        e -> assertThat(e.category()).isEqualTo(OvnException.Category.SYNTAX));
    }
}
