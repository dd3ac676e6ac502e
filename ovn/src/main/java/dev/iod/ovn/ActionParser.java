package dev.iod.ovn;

import dev.iod.ovn.Lexer.Kind;
import dev.iod.ovn.Lexer.Token;
import dev.iod.ovn.OvnException.Category;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Action.Reply;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Action.Zone;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Field.Slice;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Action lists of ovn-sb(5), compiled to the engine's actions. */
final class ActionParser {
    /** Tables of one pipeline (ovn-sb(5), Logical_Flow, "table_id"). */
    private static final int LAST_TABLE = 32;

    private final Tokens in;
    private final Place place;
    private final Scope scope;
    private final List<Match> required = new ArrayList<>();
    private int bodies;

    /** Inside the braces of ct_commit, where a connection's mark and label may be set. */
    private boolean committing;

    /** Which table a flow is in, and whether its datapaths are switches. */
    record Place(Stage stage, int table, boolean inSwitch) {}

    /**
     * @param required what the actions add to the flow's match
     */
    record Result(List<Action> actions, Match required) {}

    private ActionParser(Tokens in, Place place, Scope scope) {
        this.in = in;
        this.place = place;
        this.scope = scope;
    }

    /**
     * Compiles a whole text.
     *
     * @throws OvnException SYNTAX, or UNSUPPORTED with what this chassis cannot do
     */
    static Result parse(String text, Place place, Scope scope) {
        var parser = new ActionParser(new Tokens(text), place, scope);
        if (parser.in.atName("drop")) {
            parser.in.next();
            parser.in.expect(";");
            if (!parser.in.atEnd()) {
                throw parser.in.syntax("drop stands alone");
            }
            return new Result(List.of(new Action.Drop()), Matches.TRUE);
        }
        List<Action> actions = parser.list();
        if (!parser.in.atEnd()) {
            throw parser.in.syntax("expected an action");
        }
        return new Result(actions, Matches.all(parser.required));
    }

    /** Actions up to the closing brace or the end. */
    private List<Action> list() {
        in.enter();
        var actions = new ArrayList<Action>();
        while (!in.atEnd() && !in.at("}")) {
            action(actions);
        }
        in.leave();
        return actions.isEmpty() ? List.of(new Action.Drop()) : List.copyOf(actions);
    }

    private void action(List<Action> out) {
        String name = in.expect(Kind.NAME, "an action");
        if (in.at("=") || in.at("[") || in.at("<->") || in.at("--")) {
            assignment(name, out);
        } else {
            verb(name, out);
        }
        // A closing brace may stand for the last semicolon's place after a nested list.
        in.expect(";");
    }

    private void verb(String name, List<Action> out) {
        switch (name) {
            case "output" -> out.add(new Action.Output());
            case "drop" -> throw in.syntax("drop stands alone");
            case "next" -> out.add(jump());
            case "ct_next" -> {
                require("ip");
                out.add(new Action.ConntrackNext(zone()));
                out.add(following());
            }
            case "ct_commit" -> {
                require("ip");
                out.add(new Action.ConntrackCommit(zone(), assignments()));
            }
            // Without NAT (which this chassis refuses elsewhere) it commits and goes on.
            case "ct_commit_nat" -> {
                require("ip");
                out.add(new Action.ConntrackCommit(zone(), List.of()));
                out.add(following());
            }
            case "ct_clear" -> out.add(new Action.ConntrackClear());
            case "clone" -> out.add(new Action.Clone(body()));
            case "arp" -> craft(Reply.ARP, "ip4", out);
            case "nd_ns" -> craft(Reply.ND_NEIGHBOR_SOLICIT, "ip6", out);
            case "nd_na" -> craft(Reply.ND_NEIGHBOR_ADVERT, "nd_ns", out);
            case "nd_na_router" -> craft(Reply.ND_NEIGHBOR_ADVERT_ROUTER, "nd_ns", out);
            case "icmp4" -> craft(Reply.ICMP4, "ip4", out);
            case "icmp4_error" -> craft(Reply.ICMP4_ERROR, "ip4", out);
            case "icmp6" -> craft(Reply.ICMP6, "ip6", out);
            case "icmp6_error" -> craft(Reply.ICMP6_ERROR, "ip6", out);
            case "tcp_reset" -> craft(Reply.TCP_RESET, "tcp", out);
            case "sctp_abort" -> craft(Reply.SCTP_ABORT, "sctp", out);
            case "reject" -> craft(Reply.REJECT, "ip", out);
            case "get_arp" -> lookUpNeighbor(32, out);
            case "get_nd" -> lookUpNeighbor(128, out);
            case "put_arp" -> learnNeighbor(32, out);
            case "put_nd" -> learnNeighbor(128, out);
            // Where an address was seen is not learned: such frames go to every port that takes
            // unknown addresses, which is what a switch may always do (IEEE 802.1Q §8.8).
            case "put_fdb" -> {
                in.expect("(");
                port();
                in.expect(",");
                number(48);
                in.expect(")");
            }
            default -> throw unknownVerb(name);
        }
    }

    private OvnException unknownVerb(String name) {
        // "igmp" is an action too.
        return Symbol.named(name).isPresent() && !name.equals("igmp")
                ? in.syntax(name + " is no action")
                : unsupported(name);
    }

    /** {@code next}, {@code next(table)} or {@code next(pipeline=…, table=…)}. */
    private Action jump() {
        if (!in.take("(")) {
            return following();
        }
        Stage stage = place.stage();
        int table = place.table() + 1;
        if (in.at(")")) {
            throw in.syntax("next() needs a table");
        }
        while (!in.take(")")) {
            if (in.peek().kind() == Kind.NUMBER) {
                table = in.integer(LAST_TABLE, "a table");
            } else {
                String key = in.expect(Kind.NAME, "pipeline or table");
                in.expect("=");
                switch (key) {
                    case "pipeline" -> stage = stage(in.expect(Kind.NAME, "ingress or egress"));
                    case "table" -> table = in.integer(LAST_TABLE, "a table");
                    default -> throw in.syntax("\"" + key + "\" is neither pipeline nor table");
                }
            }
            if (!in.at(")")) {
                in.expect(",");
            }
        }
        return new Action.Next(stage, table);
    }

    static Stage stage(String pipeline) {
        return switch (pipeline) {
            case "ingress" -> Stage.INGRESS;
            case "egress" -> Stage.EGRESS;
            default -> throw new OvnException(Category.SYNTAX, "no pipeline: " + pipeline);
        };
    }

    private Action following() {
        return new Action.Next(place.stage(), place.table() + 1);
    }

    /** Connections of a switch are kept per port, of a router per router. */
    private Zone zone() {
        return place.inSwitch() ? Zone.PORT : Zone.DATAPATH_DNAT;
    }

    /** The braces of ct_commit, if any. */
    private List<Action> assignments() {
        if (in.at("(")) {
            throw unsupported("ct_commit with parentheses");
        }
        if (!in.take("{")) {
            return List.of();
        }
        var sets = new ArrayList<Action>();
        while (!in.take("}")) {
            String name = in.expect(Kind.NAME, "ct_mark or ct_label");
            if (!isOfConnection(name)) {
                throw in.syntax("ct_commit only sets ct_mark and ct_label, not " + name);
            }
            committing = true;
            assignment(name, sets);
            committing = false;
            in.expect(";");
        }
        return List.copyOf(sets);
    }

    private static boolean isOfConnection(String name) {
        return name.startsWith("ct_mark") || name.startsWith("ct_label");
    }

    private List<Action> body() {
        in.expect("{");
        // What the inner actions require of the made packet is not asked of the original.
        int before = required.size();
        bodies++;
        List<Action> body = list();
        bodies--;
        while (required.size() > before) {
            required.removeLast();
        }
        in.expect("}");
        return body;
    }

    private void craft(Reply reply, String requires, List<Action> out) {
        out.add(new Action.Craft(reply, body()));
        require(requires);
    }

    private void require(String predicate) {
        required.add(MatchParser.requirement(Symbol.named(predicate).orElseThrow()));
        required.add(MatchParser.expansion(predicate));
    }

    private void lookUpNeighbor(int width, List<Action> out) {
        in.expect("(");
        Slice port = port();
        in.expect(",");
        Slice ip = number(width);
        in.expect(")");
        out.add(new Action.NeighborGet(port, ip));
    }

    private void learnNeighbor(int width, List<Action> out) {
        in.expect("(");
        Slice port = port();
        in.expect(",");
        Slice ip = number(width);
        in.expect(",");
        Slice mac = number(48);
        in.expect(")");
        out.add(new Action.NeighborPut(port, ip, mac));
    }

    private Slice port() {
        String name = in.expect(Kind.NAME, "inport or outport");
        if (Symbol.named(name).orElse(new Symbol.Unknown(""))
                instanceof Symbol.PortName(Field field, String ignored)) {
            return field.whole();
        }
        throw in.syntax(name + " is no port");
    }

    /** A field of this many bits as one part of one engine field. */
    private Slice number(int width) {
        String name = in.expect(Kind.NAME, "a field");
        Symbol.Number number = writtenNumber(name);
        List<Slice> parts = number.span().parts();
        if (number.span().width() == width) {
            add(number);
            if (parts.size() == 1) {
                return parts.getFirst();
            }
            if (name.equals("xxreg0") || name.equals("xxreg1")) {
                return name.equals("xxreg0") ? Field.XXREG0.whole() : Field.XXREG1.whole();
            }
        }
        throw unsupported("a look-up by " + name);
    }

    private Symbol.Number writtenNumber(String name) {
        Symbol symbol =
                MatchParser.subfield(
                        in,
                        name,
                        Symbol.named(name).orElseThrow(() -> unsupported("field " + name)));
        return switch (symbol) {
            case Symbol.Number number -> number;
            case Symbol.Unknown ignored -> throw unsupported("field " + name);
            case Symbol.Predicate predicate -> predicateBit(name, predicate);
            case Symbol.PortName ignored -> throw in.syntax(name + " is a port, not a number");
        };
    }

    private Symbol.Number predicateBit(String name, Symbol.Predicate predicate) {
        throw in.syntax(name + " (" + predicate.expansion() + ") is no field");
    }

    private void add(Symbol symbol) {
        Match match = MatchParser.requirement(symbol);
        if (!(match instanceof Match.Always)) {
            required.add(match);
        }
    }

    private void assignment(String name, List<Action> out) {
        Symbol symbol = Symbol.named(name).orElseThrow(() -> unsupported("field " + name));
        if (symbol instanceof Symbol.PortName target) {
            portAssignment(name, target, out);
            return;
        }
        Symbol.Number target = writtenNumber(name);
        if (in.take("--")) {
            if (!name.equals("ip.ttl")) {
                throw in.syntax("only ip.ttl can be decremented");
            }
            add(target);
            out.add(new Action.DecrementTtl());
            return;
        }
        writable(name, target);
        add(target);
        if (in.take("<->")) {
            String other = in.expect(Kind.NAME, "a field");
            Symbol.Number number = writtenNumber(other);
            writable(other, number);
            pieces(target, number, true, out);
            return;
        }
        in.expect("=");
        Token token = in.peek();
        if (token.kind() == Kind.NUMBER) {
            in.next();
            set(name, target, token, out);
        } else if (token.kind() == Kind.NAME && in.peekSecond().is("(")) {
            in.next();
            function(token.text(), target, out);
        } else {
            String source = in.expect(Kind.NAME, "a constant, field or function");
            if (Set.of("ct_snat_to_vip", "dns_lookup").contains(source)) {
                throw unsupported(source);
            }
            Symbol.Number from = writtenNumber(source);
            pieces(target, from, false, out);
        }
    }

    private void writable(String name, Symbol.Number number) {
        if (!number.writable() || isOfConnection(name) != committing) {
            throw in.syntax(name + " cannot be changed here");
        }
        if (number.span().parts().getFirst().field() == Field.VLAN_TCI
                || name.startsWith("ip6.label")) {
            throw unsupported("change of " + name);
        }
    }

    private void set(String name, Symbol.Number target, Token token, List<Action> out) {
        Constant constant = Constant.parse(token.text());
        if (in.take("/")) {
            constant = constant.withMask(Constant.parse(in.expect(Kind.NUMBER, "a mask")));
        }
        int width = target.span().width();
        if (!constant.value().and(Bits.ones(width)).equals(constant.value())
                || constant.width() > wholeWidth(name)) {
            throw in.syntax(name + " has too few bits for " + constant.written());
        }
        Assignments.set(target.span(), constant, out);
    }

    private static int wholeWidth(String name) {
        return Symbol.named(name).orElseThrow() instanceof Symbol.Number number
                ? number.span().width()
                : 0;
    }

    /** Copies or exchanges two numbers of equal width, part by part. */
    private void pieces(Symbol.Number a, Symbol.Number b, boolean swap, List<Action> out) {
        add(b);
        int width = a.span().width();
        if (b.span().width() != width) {
            throw in.syntax("fields of " + width + " and of " + b.span().width() + " bits");
        }
        Assignments.pieces(a.span(), b.span(), swap, out);
    }

    private void portAssignment(String name, Symbol.PortName target, List<Action> out) {
        if (in.take("<->")) {
            out.add(new Action.Swap(target.field().whole(), port()));
            return;
        }
        if (in.at("[")) {
            throw in.syntax(name + " has no parts");
        }
        in.expect("=");
        // The egress pipeline runs for a port that is chosen already, but for a made packet.
        boolean fixed = place.stage() == Stage.EGRESS && bodies == 0;
        if (target.field() != Field.OUT_PORT || fixed) {
            throw unsupported("change of " + name + " here");
        }
        if (in.peek().kind() == Kind.TEXT) {
            long key = scope.port(in.next().text()).orElse(0);
            out.add(new Action.Set(target.field().whole(), Bits.of(key)));
        } else if (in.atName("get_fdb")) {
            in.next();
            in.expect("(");
            number(48);
            in.expect(")");
            // Nothing is learned (see put_fdb), so no port is known: "none" is 0.
            out.add(new Action.Set(target.field().whole(), Bits.ZERO));
        } else {
            out.add(new Action.Copy(port(), target.field().whole()));
        }
    }

    private void function(String name, Symbol.Number target, List<Action> out) {
        if (target.span().parts().size() != 1) {
            throw unsupported("the result of " + name + " in a wide register");
        }
        Slice result = target.span().parts().getFirst();
        in.expect("(");
        switch (name) {
            case "lookup_arp" -> checkNeighbor(32, true, result, out);
            case "lookup_arp_ip" -> checkNeighbor(32, false, result, out);
            case "lookup_nd" -> checkNeighbor(128, true, result, out);
            case "lookup_nd_ip" -> checkNeighbor(128, false, result, out);
            case "check_in_port_sec" -> out.add(new Action.PortSecurityIn(bit(result)));
            case "check_out_port_sec" -> out.add(new Action.PortSecurityOut(bit(result)));
            case "check_pkt_larger" -> {
                // The text counts the Ethernet header, the engine's limit does not.
                int limit = in.integer(65535, "a length") - 14;
                out.add(new Action.CheckLarger(Math.max(0, limit), bit(result)));
            }
            case "put_dhcp_opts" -> out.add(DhcpArguments.reply(in, scope.dhcp(), bit(result)));
            case "lookup_fdb" -> {
                port();
                in.expect(",");
                number(48);
                // "Known", so that the flow after it does not learn (see put_fdb).
                out.add(new Action.Set(bit(result), Bits.of(1)));
            }
            default -> throw unsupported(name);
        }
        in.expect(")");
    }

    private Slice bit(Slice result) {
        if (result.width() != 1) {
            throw in.syntax("the result is one bit");
        }
        return result;
    }

    private void checkNeighbor(int width, boolean withMac, Slice result, List<Action> out) {
        Slice port = port();
        in.expect(",");
        Slice ip = number(width);
        Optional<Slice> mac = Optional.empty();
        if (withMac) {
            in.expect(",");
            mac = Optional.of(number(48));
        }
        out.add(new Action.NeighborCheck(port, ip, mac, bit(result)));
    }

    private static OvnException unsupported(String what) {
        return new OvnException(Category.UNSUPPORTED, what);
    }
}
