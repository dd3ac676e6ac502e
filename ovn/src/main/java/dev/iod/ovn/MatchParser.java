package dev.iod.ovn;

import dev.iod.ovn.Lexer.Kind;
import dev.iod.ovn.Lexer.Token;
import dev.iod.ovn.OvnException.Category;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Match expressions of ovn-sb(5), compiled to the engine's predicates. */
final class MatchParser {
    private static final Set<String> RELATIONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final Tokens in;
    private final Scope scope;
    private final List<String> unsupported = new ArrayList<>();

    /** Whether an odd number of "!" stand before what is read. */
    private boolean negated;

    /**
     * @param unsupported what this chassis cannot test; then the match covers at least all packets
     *     that the text covers
     */
    record Result(Match match, List<String> unsupported) {}

    private MatchParser(Tokens in, Scope scope) {
        this.in = in;
        this.scope = scope;
    }

    /** Compiles a whole text; {@link OvnException} SYNTAX when it is no expression. */
    static Result parse(String text, Scope scope) {
        var parser = new MatchParser(new Tokens(text), scope);
        Expr expr = parser.expression();
        if (!parser.in.atEnd()) {
            throw parser.in.syntax("expected end of expression");
        }
        return new Result(expr.toMatch(false), List.copyOf(parser.unsupported));
    }

    private Expr expression() {
        in.enter();
        var terms = new ArrayList<Expr>();
        terms.add(unit());
        String joint = in.at("&&") ? "&&" : "||";
        while (in.take(joint)) {
            terms.add(unit());
        }
        if (in.at("&&") || in.at("||")) {
            throw in.syntax("&& and || must be parenthesized when used together");
        }
        in.leave();
        if (terms.size() == 1) {
            return terms.getFirst();
        }
        return joint.equals("&&") ? new Expr.All(terms) : new Expr.Any(terms);
    }

    private Expr unit() {
        if (in.take("!")) {
            negated = !negated;
            Expr operand = primary(true);
            negated = !negated;
            return new Expr.Not(operand);
        }
        return primary(false);
    }

    /** What "!" may stand before: parentheses, a function, a symbol alone, or a comparison. */
    private Expr primary(boolean afterNot) {
        if (in.take("(")) {
            Expr inner = expression();
            in.expect(")");
            return inner;
        }
        if (in.atName("is_chassis_resident")) {
            return resident();
        }
        return afterNot ? mention(operand(), true) : relation();
    }

    private Expr resident() {
        in.next();
        in.expect("(");
        String port = in.expect(Kind.TEXT, "the name of a port");
        in.expect(")");
        return Expr.always(scope.resident(port));
    }

    /** {@code a}, {@code a op b} or {@code a op b op c}. */
    private Expr relation() {
        Operand first = operand();
        if (!atRelation()) {
            return mention(first, false);
        }
        String relation = in.next().text();
        Operand second = operand();
        Expr expr = compare(first, relation, second);
        if (!atRelation()) {
            return expr;
        }
        String again = in.next().text();
        boolean rising = relation.startsWith("<") && again.startsWith("<");
        boolean falling = relation.startsWith(">") && again.startsWith(">");
        if (!(second instanceof Named) || !rising && !falling) {
            throw in.syntax("a range is written like 1 <= field <= 5");
        }
        return new Expr.All(List.of(expr, compare(second, again, operand())));
    }

    private boolean atRelation() {
        return in.peek().kind() == Kind.OPERATOR && RELATIONS.contains(in.peek().text());
    }

    /** One side of a relation. */
    private sealed interface Operand permits Named, Constants {}

    /**
     * @param bits width of the whole field of which the symbol may be a part
     */
    private record Named(String name, Symbol symbol, int bits) implements Operand {}

    private record Constants(List<Element> elements, boolean inBraces) implements Operand {}

    private sealed interface Element {
        record Number(Constant constant) implements Element {}

        record Text(String text) implements Element {}

        record AddressSet(String name) implements Element {}

        record PortGroup(String name) implements Element {}
    }

    private Operand operand() {
        if (in.peek().kind() == Kind.NAME) {
            String name = in.next().text();
            Symbol whole = Symbol.named(name).orElse(new Symbol.Unknown(""));
            int bits = whole instanceof Symbol.Number number ? number.span().width() : 0;
            return new Named(name, subfield(in, name, whole), bits);
        }
        var elements = new ArrayList<Element>();
        boolean inBraces = in.take("{");
        if (inBraces) {
            while (!in.take("}")) {
                elements.add(element());
                in.take(",");
            }
            if (elements.isEmpty()) {
                throw in.syntax("an empty set");
            }
        } else {
            elements.add(element());
        }
        return new Constants(elements, inBraces);
    }

    private Element element() {
        Token token = in.next();
        return switch (token.kind()) {
            case NUMBER -> new Element.Number(number(token));
            case TEXT -> new Element.Text(token.text());
            case ADDRESS_SET -> new Element.AddressSet(token.text());
            case PORT_GROUP -> new Element.PortGroup(token.text());
            case NAME, OPERATOR, END ->
                    throw new OvnException(
                            Category.SYNTAX, "expected a constant or symbol, found " + token);
        };
    }

    private Constant number(Token token) {
        Constant value = Constant.parse(token.text());
        return in.take("/")
                ? value.withMask(Constant.parse(in.expect(Kind.NUMBER, "a mask")))
                : value;
    }

    /** The part of a number that brackets after its name choose, if there are any. */
    static Symbol subfield(Tokens in, String name, Symbol symbol) {
        if (!in.take("[")) {
            return symbol;
        }
        if (symbol instanceof Symbol.Unknown) {
            while (!in.atEnd() && !in.take("]")) {
                in.next();
            }
            return symbol;
        }
        if (!(symbol instanceof Symbol.Number number)) {
            throw in.syntax(name + " has no parts");
        }
        int low = in.integer(127, "a bit number");
        int high = in.take("..") ? in.integer(127, "a bit number") : low;
        in.expect("]");
        if (high < low || high >= number.span().width()) {
            throw new OvnException(
                    Category.SYNTAX,
                    "bits "
                            + low
                            + ".."
                            + high
                            + " of "
                            + name
                            + ", which has "
                            + number.span().width());
        }
        if (number.nominal() && high - low + 1 != number.span().width()) {
            throw in.syntax(name + " has no parts");
        }
        return new Symbol.Number(
                number.span().sub(low, high - low + 1),
                number.requires(),
                number.nominal(),
                number.writable());
    }

    /** A symbol alone: a predicate or a single bit. */
    private Expr mention(Operand operand, boolean afterNot) {
        return switch (operand) {
            case Named named when afterNot && atRelation() ->
                    throw in.syntax("! before a comparison needs parentheses");
            case Named(String name, Symbol.Number number, int ignored) -> {
                if (number.span().width() > 1 && !negated) {
                    throw in.syntax(name + " of many bits needs an explicit \"!= 0\"");
                }
                Match zero = number.span().equal(Bits.ZERO, Bits.ones(number.span().width()));
                yield new Expr.Leaf(Matches.not(zero), required(name, number));
            }
            case Named(String name, Symbol.Predicate predicate, int ignored) -> {
                positive(name, predicate, !negated);
                yield leaf(name, predicate);
            }
            case Named(String name, Symbol.Unknown ignored, int none) -> maybe(name);
            case Named named -> throw in.syntax(named.name() + " must be compared with something");
            case Constants(List<Element> elements, boolean inBraces) -> {
                if (!inBraces
                        && elements.getFirst() instanceof Element.Number(Constant constant)
                        && constant.value().high() == 0
                        && constant.value().low() >>> 1 == 0
                        && !constant.masked()) {
                    yield Expr.always(constant.value().low() == 1);
                }
                throw in.syntax("a constant must be compared with a symbol");
            }
        };
    }

    private Expr compare(Operand left, String relation, Operand right) {
        return switch (left) {
            case Named named when right instanceof Constants constants ->
                    compare(named, relation, constants);
            case Constants constants when right instanceof Named named ->
                    compare(named, mirrored(relation), constants);
            case Named ignored -> throw in.syntax("two symbols cannot be compared");
            case Constants ignored -> throw in.syntax("two constants cannot be compared");
        };
    }

    private static String mirrored(String relation) {
        return switch (relation) {
            case "<" -> ">";
            case "<=" -> ">=";
            case ">" -> "<";
            case ">=" -> "<=";
            default -> relation;
        };
    }

    private Expr compare(Named named, String relation, Constants constants) {
        String name = named.name();
        List<Element> elements = constants.elements();
        boolean equality = relation.equals("==") || relation.equals("!=");
        if (!equality && constants.inBraces()) {
            throw in.syntax(name + ": only == and != make sense with sets, not " + relation);
        }
        return switch (named.symbol()) {
            case Symbol.Unknown ignored -> maybe(name);
            case Symbol.PortName port -> {
                nominal(name, relation);
                yield equality(relation, in(name, port, elements));
            }
            case Symbol.Predicate predicate -> truth(name, predicate, relation, elements);
            case Symbol.Number number -> {
                if (number.nominal()) {
                    nominal(name, relation);
                }
                if (equality) {
                    yield equality(relation, in(named, number, elements));
                }
                if (!(elements.getFirst() instanceof Element.Number(Constant constant))
                        || constant.masked()) {
                    throw in.syntax(name + " " + relation + " needs one plain number");
                }
                yield new Expr.Leaf(
                        number.span()
                                .compare(order(relation), fitting(named, number, constant).value()),
                        required(name, number));
            }
        };
    }

    /** Of a nominal field only one value can be asked for: "not this one" has no flows. */
    private void nominal(String name, String relation) {
        if (!relation.equals(negated ? "!=" : "==")) {
            throw in.syntax(name + " is nominal: only equality can be tested (counting \"!\")");
        }
    }

    private void positive(String name, Symbol.Predicate predicate, boolean positive) {
        if (predicate.nominal() && !positive) {
            throw in.syntax(name + " is nominal: it can only be tested positively");
        }
    }

    private static Match.Relation order(String relation) {
        return switch (relation) {
            case "<" -> Match.Relation.LESS;
            case "<=" -> Match.Relation.LESS_OR_EQUAL;
            case ">" -> Match.Relation.GREATER;
            default -> Match.Relation.GREATER_OR_EQUAL;
        };
    }

    private Expr equality(String relation, Expr equal) {
        return switch (relation) {
            case "==" -> equal;
            case "!=" -> new Expr.Not(equal);
            default -> throw in.syntax("only == and != make sense, not " + relation);
        };
    }

    /** {@code predicate == 0} and the like. */
    private Expr truth(
            String name, Symbol.Predicate predicate, String relation, List<Element> elements) {
        if (!relation.equals("==") && !relation.equals("!=")) {
            throw in.syntax(name + ": only == and != make sense, not " + relation);
        }
        if (elements.size() == 1
                && elements.getFirst() instanceof Element.Number(Constant constant)
                && constant.value().high() == 0
                && constant.value().low() >>> 1 == 0) {
            boolean one = constant.value().low() == 1;
            positive(name, predicate, one ^ relation.equals("!=") ^ negated);
            Expr leaf = leaf(name, predicate);
            Expr wanted = one ? leaf : new Expr.Not(leaf);
            return equality(relation, wanted);
        }
        throw in.syntax(name + " is either 0 or 1");
    }

    private Expr in(Named named, Symbol.Number number, List<Element> elements) {
        String name = named.name();
        var ways = new ArrayList<Match>();
        for (Element element : elements) {
            ways.add(
                    switch (element) {
                        case Element.Number(Constant constant) -> equal(named, number, constant);
                        case Element.AddressSet(String set) -> inSet(name, number, set);
                        case Element.Text text ->
                                throw in.syntax(name + " is a number, not \"" + text.text() + "\"");
                        case Element.PortGroup group ->
                                throw in.syntax(name + " is no port, so not in @" + group.name());
                    });
        }
        return new Expr.Leaf(Matches.any(ways), required(name, number));
    }

    private Match equal(Named named, Symbol.Number number, Constant constant) {
        Constant fitting = fitting(named, number, constant);
        return number.span()
                .equal(fitting.value(), fitting.mask().and(Bits.ones(number.span().width())));
    }

    private Match inSet(String name, Symbol.Number number, String set) {
        int width = number.span().width();
        if (number.span().parts().size() != 1
                || number.span().parts().getFirst().field().width() != width) {
            throw in.syntax(name + " is no whole field, so not comparable with $" + set);
        }
        return new Match.In(number.span().parts().getFirst().field(), scope.addressSet(set, width));
    }

    private Constant fitting(Named named, Symbol.Number number, Constant constant) {
        int width = number.span().width();
        boolean fits = constant.value().and(Bits.ones(width)).equals(constant.value());
        if (!fits || constant.width() > named.bits()) {
            throw in.syntax(
                    named.name() + " has " + width + " bits, too few for " + constant.written());
        }
        return constant;
    }

    private Expr in(String name, Symbol.PortName port, List<Element> elements) {
        var ways = new ArrayList<Match>();
        for (Element element : elements) {
            ways.add(
                    switch (element) {
                        case Element.Text(String text) -> isPort(port, text);
                        case Element.PortGroup(String group) ->
                                new Match.In(port.field(), scope.portGroup(group));
                        case Element.Number ignored ->
                                throw in.syntax(name + " is a port name, not a number");
                        case Element.AddressSet set ->
                                throw in.syntax(name + " is no address, so not in $" + set.name());
                    });
        }
        return new Expr.Leaf(Matches.any(ways), required(name, port));
    }

    private Match isPort(Symbol.PortName port, String name) {
        OptionalLong key = scope.port(name);
        return key.isPresent()
                ? new Match.Masked(
                        port.field(), Bits.of(key.getAsLong()), Span.ones(port.field().width()))
                : Matches.FALSE;
    }

    private Expr.Leaf leaf(String name, Symbol.Predicate predicate) {
        return new Expr.Leaf(expansion(predicate.expansion()), required(name, predicate));
    }

    private Match required(String name, Symbol symbol) {
        return symbol.requires().isEmpty() || symbol.requires().equals(name)
                ? Matches.TRUE
                : expansion(symbol.requires());
    }

    private Expr maybe(String name) {
        unsupported.add("match on " + name);
        return new Expr.Maybe();
    }

    /** The predicate of one of the table's own expressions. */
    static Match expansion(String text) {
        return Expansions.of(text);
    }

    /** What an action on a symbol requires of the packet. */
    static Match requirement(Symbol symbol) {
        return symbol.requires().isEmpty() ? Matches.TRUE : Expansions.of(symbol.requires());
    }

    /** Expansions name only fields, so each is compiled once. */
    private static final class Expansions {
        private static final Map<String, Match> KNOWN = new ConcurrentHashMap<>();

        static Match of(String text) {
            Optional<Match> known = Optional.ofNullable(KNOWN.get(text));
            if (known.isPresent()) {
                return known.get();
            }
            Match match = parse(text, NoNames.SCOPE).match();
            KNOWN.put(text, match);
            return match;
        }
    }
}
