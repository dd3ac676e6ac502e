package dev.iod.rest;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An API microversion such as 2.61. */
public record Microversion(int major, int minor) implements Comparable<Microversion> {
    private static final Pattern FORMAT =
            Pattern.compile("([1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})");

    /**
     * Parses {@code MAJOR.MINOR}.
     *
     * @throws ApiException 400 for another format
     */
    public static Microversion parse(String text) {
        Matcher matcher = FORMAT.matcher(text.strip());
        if (!matcher.matches()) {
            throw ApiException.badRequest(
                    "API Version String %s is of invalid format. Must be of format MajorNum.MinorNum."
                            .formatted(text));
        }
        return new Microversion(
                Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
    }

    /**
     * Whether this version is the given one or newer: {@code request.microversion().since(2, 19)}.
     */
    public boolean since(int otherMajor, int otherMinor) {
        return compareTo(new Microversion(otherMajor, otherMinor)) >= 0;
    }

    @Override
    public int compareTo(Microversion other) {
        return major != other.major
                ? Integer.compare(major, other.major)
                : Integer.compare(minor, other.minor);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
