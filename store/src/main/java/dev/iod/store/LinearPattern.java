package dev.iod.store;

import java.util.regex.Pattern;

/**
 * The regular expressions that the database is given of those that tenants send: such as a finite
 * automaton of about their own length decides. There is nothing to be captured, referred to, nested
 * or counted, so a row costs at most its length times the pattern's.
 */
public final class LinearPattern {
    /** What is taken, for the error that refuses the rest. */
    public static final String SUPPORTED =
            "characters, '.', sets such as [a-z0-9], one '*', '+' or '?' after each of these,"
                    + " '^' first, '$' last, '\\' before a sign, and '|' between alternatives";

    /** Longest pattern. */
    public static final int MAX_LENGTH = 255;

    // A set has no brackets, backslashes or classes in it; what may be repeated is one character.
    private static final String SET = "\\[\\^?[^\\[\\]\\\\^]+\\]";
    private static final String CHARACTER = "[^\\\\^$.|?*+()\\[\\]{}]";
    private static final String ESCAPED = "\\\\[^\\p{L}\\p{N}\\s]";
    private static final String BRANCH =
            "\\^?(?:(?:%s|%s|%s|\\.)[*+?]?+)*+\\$?".formatted(SET, CHARACTER, ESCAPED);
    private static final Pattern ALLOWED =
            Pattern.compile(BRANCH + "(?:\\|" + BRANCH + ")*+", Pattern.DOTALL);

    private LinearPattern() {}

    /** Whether {@code column ~ pattern} is cheap whatever the column holds. */
    public static boolean accepts(String pattern) {
        return pattern.length() <= MAX_LENGTH && ALLOWED.matcher(pattern).matches();
    }
}
