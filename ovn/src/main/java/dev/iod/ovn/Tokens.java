package dev.iod.ovn;

import dev.iod.ovn.Lexer.Kind;
import dev.iod.ovn.Lexer.Token;
import dev.iod.ovn.OvnException.Category;
import java.util.List;

/** A position in a list of tokens, with the questions both parsers ask. */
final class Tokens {
    /** How deep parentheses and braces may nest. */
    static final int DEPTH_LIMIT = 100;

    private final List<Token> tokens;
    private int at;
    private int depth;

    Tokens(String text) {
        tokens = Lexer.tokens(text);
    }

    Token peek() {
        return tokens.get(at);
    }

    /** The token after the next one. */
    Token peekSecond() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        if (token.kind() != Kind.END) {
            at++;
        }
        return token;
    }

    boolean at(String operator) {
        return peek().is(operator);
    }

    boolean atEnd() {
        return peek().kind() == Kind.END;
    }

    boolean atName(String name) {
        return peek().kind() == Kind.NAME && peek().text().equals(name);
    }

    /** Steps over the operator if it is next. */
    boolean take(String operator) {
        boolean found = at(operator);
        if (found) {
            at++;
        }
        return found;
    }

    void expect(String operator) {
        if (!take(operator)) {
            throw syntax("expected \"" + operator + "\"");
        }
    }

    String expect(Kind kind, String what) {
        if (peek().kind() != kind) {
            throw syntax("expected " + what);
        }
        return next().text();
    }

    /** An unsigned integer, not an address. */
    int integer(int max, String what) {
        String text = expect(Kind.NUMBER, what);
        try {
            long value = Long.decode(text);
            if (value <= max) {
                return (int) value;
            }
        } catch (NumberFormatException e) {
            throw new OvnException(Category.SYNTAX, what + " expected, not " + text, e);
        }
        throw new OvnException(Category.SYNTAX, what + " is at most " + max + ", not " + text);
    }

    void enter() {
        if (++depth > DEPTH_LIMIT) {
            throw new OvnException(Category.LIMIT, "nested deeper than " + DEPTH_LIMIT);
        }
    }

    void leave() {
        depth--;
    }

    OvnException syntax(String message) {
        return new OvnException(Category.SYNTAX, message + ", found " + peek());
    }
}
