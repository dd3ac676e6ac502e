package dev.iod.rest;

import dev.iod.rest.Schema.Choice;
import dev.iod.rest.Schema.Decimal;
import dev.iod.rest.Schema.Dictionary;
import dev.iod.rest.Schema.Either;
import dev.iod.rest.Schema.Format;
import dev.iod.rest.Schema.Null;
import dev.iod.rest.Schema.Property;
import dev.iod.rest.Schema.Struct;
import dev.iod.rest.Schema.Text;
import dev.iod.rest.Schema.Truth;
import dev.iod.rest.Schema.Whole;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/** The types of Nova's request parameters, named as in its own schemas. */
public final class Formats {
    private static final int FOREVER = Integer.MAX_VALUE;
    private static final int MAX_TEXT = 255;
    private static final Pattern UUID_TEXT =
            Pattern.compile("[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}");

    private Formats() {}

    public static final Format ANY = format("text", text -> true);
    public static final Format PRINTABLE =
            new Format(
                    "name",
                    Formats::isName,
                    Optional.of(
                            "An invalid 'name' value was provided. The name must be: printable"
                                    + " characters. Can not start or end with whitespace."));

    public static final Schema NAME = new Text(1, MAX_TEXT, PRINTABLE);
    public static final Schema KEYPAIR_NAME =
            new Text(
                    1,
                    MAX_TEXT,
                    new Format(
                            "keypair_name_20",
                            text -> isName(text) && text.matches("[a-zA-Z0-9 _-]+"),
                            Optional.of(
                                    "An invalid 'name' value was provided. The name must be:"
                                            + " letters, numbers, underscores, dashes or"
                                            + " spaces.")));
    public static final Schema DESCRIPTION =
            nullable(new Text(0, MAX_TEXT, matching("[^\\p{Cntrl}]*")));
    public static final Schema ID = new Text(0, MAX_TEXT, format("uuid", Formats::isUuid));
    public static final Schema ID_OR_EMPTY = new Either(List.of(ID, new Text(0, 0, ANY)));
    public static final Schema BOOLEAN = new Truth();
    public static final Schema POSITIVE = new Whole(1, Integer.MAX_VALUE);
    public static final Schema NOT_NEGATIVE = new Whole(0, Integer.MAX_VALUE);
    public static final Schema DECIMAL = new Decimal();
    public static final Schema TEXT = new Text(0, 65_535, ANY);
    public static final Schema IP =
            new Text(0, 45, format("ipv4' or 'ipv6", t -> isIpv4(t) || isIpv6(t)));
    public static final Schema ACCESS_IPV4 = new Text(0, 45, format("ipv4", Formats::isIpv4));
    public static final Schema ACCESS_IPV6 = new Text(0, 45, format("ipv6", Formats::isIpv6));
    public static final Schema DISK_CONFIG = new Choice(List.of("AUTO", "MANUAL"));
    public static final Schema BASE64 = new Text(0, 65_535, format("base64", Formats::isBase64));
    public static final Schema TAG = new Text(1, 60, matching("[^,/]*"));
    public static final Schema HOST = new Text(1, MAX_TEXT, matching("[a-zA-Z0-9._-]*"));
    public static final Schema HOST_NAME =
            new Text(2, 63, matching("[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+"));
    public static final Schema FLAVOR_REF =
            new Either(List.of(new Text(1, MAX_TEXT, ANY), new Whole(0, Long.MAX_VALUE)));
    public static final Schema METADATA =
            new Dictionary(Pattern.compile("[a-zA-Z0-9-_:. ]{1,255}"), new Text(0, MAX_TEXT, ANY));

    public static Format format(String name, java.util.function.Predicate<String> test) {
        return new Format(name, test, Optional.empty());
    }

    /** A string that matches a pattern as a whole. */
    public static Format matching(String regex) {
        Pattern pattern = Pattern.compile(regex);
        return format("match for ^" + regex + "$", text -> pattern.matcher(text).matches());
    }

    public static Schema nullable(Schema schema) {
        return new Either(List.of(schema, new Null()));
    }

    public static Property required(String name, Schema schema) {
        return new Property(name, schema, true, 0, FOREVER);
    }

    public static Property optional(String name, Schema schema) {
        return new Property(name, schema, false, 0, FOREVER);
    }

    public static Property since(int minor, String name, Schema schema) {
        return new Property(name, schema, false, minor, FOREVER);
    }

    public static Property until(int minor, String name, Schema schema) {
        return new Property(name, schema, false, 0, minor);
    }

    public static Struct struct(Property... properties) {
        return new Struct(List.of(properties), false);
    }

    /** {@code {"NAME": {…}}}. */
    public static Struct body(String name, Schema inner) {
        return struct(required(name, inner));
    }

    public static boolean isUuid(String text) {
        return UUID_TEXT.matcher(text).matches();
    }

    /** The id of a text, also without dashes; empty when it is none. */
    public static Optional<UUID> uuid(String text) {
        if (!isUuid(text)) {
            return Optional.empty();
        }
        String digits = text.replace("-", "");
        return Optional.of(
                new UUID(
                        Long.parseUnsignedLong(digits.substring(0, 16), 16),
                        Long.parseUnsignedLong(digits.substring(16), 16)));
    }

    private static boolean isIpv4(String text) {
        return Ipv4.parse(text).isPresent();
    }

    private static boolean isIpv6(String text) {
        return Ipv6.parse(text).isPresent();
    }

    private static boolean isBase64(String text) {
        try {
            Base64.getMimeDecoder().decode(text);
            return text.matches("[A-Za-z0-9+/=\\s]*");
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    /** Printable, and neither begins nor ends with a space (Nova's format {@code name}). */
    private static boolean isName(String text) {
        if (text.isEmpty()
                || isSpace(text.codePointAt(0))
                || isSpace(text.codePointBefore(text.length()))) {
            return false;
        }
        return text.codePoints().allMatch(Formats::isPrintable);
    }

    private static boolean isSpace(int codePoint) {
        return Character.isSpaceChar(codePoint) || Character.isWhitespace(codePoint);
    }

    private static boolean isPrintable(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    false;
            default -> true;
        };
    }
}
