package dev.iod.ovn;

import dev.iod.ovn.OvnException.Category;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Splits an OVN match or action text into tokens (ovn-sb(5), Logical_Flow, "match"). */
final class Lexer {
    /** Longest text accepted; northd's longest are about a thousand times shorter. */
    static final int TEXT_LIMIT = 4 << 20;

    private static final List<String> LONG_OPERATORS =
            List.of("<->", "&&", "||", "==", "!=", "<=", ">=", "..", "--");
    private static final String LONG_BEGINNINGS = "<&|=!>.-";
    private static final String SHORT_OPERATORS = "()[]{}<>!=;,/&:-";
    private static final List<Token> SHORT_TOKENS =
            SHORT_OPERATORS
                    .chars()
                    .mapToObj(c -> new Token(Kind.OPERATOR, Character.toString(c)))
                    .toList();

    private final String text;
    private int at;

    /** What a token is. */
    enum Kind {
        NAME,
        /** Integer, Ethernet, IPv4 or IPv6 address. */
        NUMBER,
        TEXT,
        /** {@code $name} */
        ADDRESS_SET,
        /** {@code @name} */
        PORT_GROUP,
        OPERATOR,
        END
    }

    /** For {@link Kind#TEXT} and the sets without quotes and prefix. */
    record Token(Kind kind, String text) {
        boolean is(String operator) {
            return kind == Kind.OPERATOR && text.equals(operator);
        }

        @Override
        public String toString() {
            return kind == Kind.END ? "end of text" : "\"" + text + "\"";
        }
    }

    private Lexer(String text) {
        this.text = text;
    }

    /**
     * @return the tokens, the last one {@link Kind#END}
     * @throws OvnException SYNTAX
     */
    static List<Token> tokens(String text) {
        if (text.length() > TEXT_LIMIT) {
            throw new OvnException(Category.LIMIT, "a text of " + text.length() + " characters");
        }
        var lexer = new Lexer(text);
        var tokens = new ArrayList<Token>();
        lexer.skip();
        while (lexer.at < text.length()) {
            tokens.add(lexer.next());
            lexer.skip();
        }
        tokens.add(new Token(Kind.END, ""));
        return tokens;
    }

    private void skip() {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == ' ' || Character.isWhitespace(c)) {
                at++;
            } else if (c != '/') {
                return;
            } else if (text.startsWith("//", at)) {
                int end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end + 1;
            } else if (text.startsWith("/*", at)) {
                int end = text.indexOf("*/", at + 2);
                if (end < 0) {
                    throw syntax("a comment without end");
                }
                at = end + 2;
            } else {
                return;
            }
        }
    }

    private Token next() {
        char c = text.charAt(at);
        if (c == '"') {
            return quoted();
        }
        if (c == '$' || c == '@') {
            at++;
            return new Token(c == '$' ? Kind.ADDRESS_SET : Kind.PORT_GROUP, name());
        }
        int colons = colonRun();
        if (colons > at) {
            return take(Kind.NUMBER, colons);
        }
        if (isDigit(c)) {
            return take(Kind.NUMBER, number());
        }
        if (isNameStart(c) && !text.startsWith("..", at)) {
            return new Token(Kind.NAME, name());
        }
        Optional<String> operator = longOperator(c);
        if (operator.isPresent()) {
            at += operator.get().length();
            return new Token(Kind.OPERATOR, operator.get());
        }
        if (c == '^' && at + 1 < text.length() && isNameStart(text.charAt(at + 1))) {
            at++;
            throw new OvnException(Category.UNSUPPORTED, "template variable " + name());
        }
        int place = SHORT_OPERATORS.indexOf(c);
        if (place >= 0) {
            at++;
            return SHORT_TOKENS.get(place);
        }
        throw syntax("invalid character '" + c + "'");
    }

    private Optional<String> longOperator(char first) {
        if (LONG_BEGINNINGS.indexOf(first) < 0) {
            return Optional.empty();
        }
        return LONG_OPERATORS.stream().filter(o -> text.startsWith(o, at)).findFirst();
    }

    private Token take(Kind kind, int end) {
        var token = new Token(kind, text.substring(at, end));
        at = end;
        return token;
    }

    /** End of an Ethernet or IPv6 address starting here; not after here when there is none. */
    private int colonRun() {
        int end = at;
        boolean colon = false;
        while (end < text.length()
                && (isHex(text.charAt(end))
                        || text.charAt(end) == ':'
                        || text.charAt(end) == '.')) {
            colon |= text.charAt(end) == ':';
            end++;
        }
        return colon ? end : at;
    }

    private int number() {
        int end = at;
        if (text.startsWith("0x", at) || text.startsWith("0X", at)) {
            end += 2;
            while (end < text.length() && isHex(text.charAt(end))) {
                end++;
            }
            return end;
        }
        while (end < text.length()) {
            char c = text.charAt(end);
            boolean dot = c == '.' && end + 1 < text.length() && isDigit(text.charAt(end + 1));
            if (!isDigit(c) && !dot) {
                break;
            }
            end++;
        }
        return end;
    }

    private String name() {
        int start = at;
        while (at < text.length() && (isNameStart(text.charAt(at)) || isDigit(text.charAt(at)))) {
            if (text.charAt(at) == '.' && text.startsWith("..", at)) {
                break;
            }
            at++;
        }
        if (at == start) {
            throw syntax("a name is missing");
        }
        return text.substring(start, at);
    }

    /** A JSON string. */
    private Token quoted() {
        int end = text.indexOf('"', at + 1);
        int escape = text.indexOf('\\', at + 1);
        if (end >= 0 && (escape < 0 || escape > end)) {
            var token = new Token(Kind.TEXT, text.substring(at + 1, end));
            at = end + 1;
            return token;
        }
        var value = new StringBuilder();
        for (at++; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '"') {
                at++;
                return new Token(Kind.TEXT, value.toString());
            }
            value.append(c == '\\' ? escape() : c);
        }
        throw syntax("a string without end");
    }

    private char escape() {
        at++;
        if (at >= text.length()) {
            throw syntax("a string without end");
        }
        return switch (text.charAt(at)) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'b' -> '\b';
            case 'f' -> '\f';
            case '"' -> '"';
            case '\\' -> '\\';
            case '/' -> '/';
            case 'u' -> unicode();
            default -> throw syntax("unknown escape \\" + text.charAt(at));
        };
    }

    private char unicode() {
        if (at + 4 >= text.length()) {
            throw syntax("a short \\u escape");
        }
        try {
            int code = Integer.parseInt(text, at + 1, at + 5, 16);
            at += 4;
            return (char) code;
        } catch (NumberFormatException e) {
            throw new OvnException(Category.SYNTAX, "a bad \\u escape", e);
        }
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static boolean isHex(char c) {
        return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F';
    }

    private static boolean isNameStart(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.';
    }

    private OvnException syntax(String message) {
        return new OvnException(Category.SYNTAX, message + " at character " + at);
    }
}
