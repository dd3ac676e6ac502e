package dev.iod.rest;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * What a request body may be, with the words Nova uses when it is something else. Clients and their
 * tests compare those texts, which are the ones of Python's jsonschema.
 *
 * <p>Only what Nova's request schemas need; fields carry the microversions that have them.
 */
public sealed interface Schema {

    /** The first thing that is wrong with {@code value}, or nothing. */
    Optional<Violation> check(JsonNode value, int minor);

    /**
     * The body of a request.
     *
     * @throws ApiException 400 when it is not as described
     */
    default JsonNode read(Request request) {
        byte[] bytes = request.bytes();
        if (bytes.length == 0) {
            throw ApiException.badRequest("Malformed request body");
        }
        return checked(Json.parse(bytes), request.microversion().minor());
    }

    /** The same for a body that is parsed already. */
    default JsonNode checked(JsonNode body, int minor) {
        check(body, minor)
                .ifPresent(
                        violation -> {
                            throw ApiException.badRequest(violation.text());
                        });
        return body;
    }

    /**
     * One thing that is wrong.
     *
     * @param path the fields that lead to it, outermost first; empty is the body itself
     * @param value what was found there
     * @param message what is wrong with it
     * @param whole the message stands alone, without the path
     */
    record Violation(List<String> path, JsonNode value, String message, boolean whole) {
        Violation(JsonNode value, String message) {
            this(List.of(), value, message, false);
        }

        Violation under(String name) {
            List<String> longer = new ArrayList<>(path.size() + 1);
            longer.add(name);
            longer.addAll(path);
            return new Violation(List.copyOf(longer), value, message, whole);
        }

        /** The text of Nova's 400 answer. */
        public String text() {
            return whole || path.isEmpty()
                    ? message
                    : "Invalid input for field/attribute %s. Value: %s. %s"
                            .formatted(path.getLast(), PythonText.str(value), message);
        }
    }

    /** A property of an object. */
    record Property(String name, Schema schema, boolean required, int since, int until) {
        boolean in(int minor) {
            return since <= minor && minor <= until;
        }
    }

    /** An object with exactly these properties, or with others too when {@code open}. */
    record Struct(List<Property> properties, boolean open) implements Schema {
        public Struct {
            properties = List.copyOf(properties);
        }

        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            if (!value.isObject()) {
                return wrongType(value, "'object'");
            }
            Set<String> known = new HashSet<>();
            for (Property property : properties) {
                if (!property.in(minor)) {
                    continue;
                }
                known.add(property.name());
                JsonNode field = value.get(property.name());
                if (field == null) {
                    if (property.required()) {
                        return violation(value, "'" + property.name() + "' is a required property");
                    }
                    continue;
                }
                Optional<Violation> inner = property.schema().check(field, minor);
                if (inner.isPresent()) {
                    return inner.map(v -> v.under(property.name()));
                }
            }
            return open ? Optional.empty() : unexpected(value, known);
        }
    }

    /** An object whose keys are free within a pattern. */
    record Dictionary(Pattern key, Schema item) implements Schema {
        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            if (!value.isObject()) {
                return wrongType(value, "'object'");
            }
            for (String name : value.propertyNames()) {
                if (!key.matcher(name).matches()) {
                    return violation(
                            value,
                            "'%s' does not match any of the regexes: '%s'"
                                    .formatted(name, "^" + key.pattern() + "$"));
                }
                Optional<Violation> inner = item.check(value.path(name), minor);
                if (inner.isPresent()) {
                    return inner.map(v -> v.under(name));
                }
            }
            return Optional.empty();
        }
    }

    /** An array. */
    record Items(Schema item, int min, int max, boolean unique) implements Schema {
        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            if (!value.isArray()) {
                return wrongType(value, "'array'");
            }
            if (value.size() < min) {
                return violation(value, PythonText.repr(value) + " is too short");
            }
            if (value.size() > max) {
                return violation(value, PythonText.repr(value) + " is too long");
            }
            Set<JsonNode> seen = new HashSet<>();
            int index = 0;
            for (JsonNode element : value) {
                Optional<Violation> inner = item.check(element, minor);
                if (inner.isPresent()) {
                    String name = Integer.toString(index);
                    return inner.map(v -> v.under(name));
                }
                if (!seen.add(element) && unique) {
                    return violation(value, PythonText.repr(value) + " has non-unique elements");
                }
                index++;
            }
            return Optional.empty();
        }
    }

    /** A string of bounded length (in characters). */
    record Text(int min, int max, Format format) implements Schema {
        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            if (!value.isString()) {
                return wrongType(value, "'string'");
            }
            String text = value.stringValue();
            int length = text.codePointCount(0, text.length());
            if (length < min) {
                return violation(value, PythonText.repr(value) + " is too short");
            }
            if (length > max) {
                return violation(value, PythonText.repr(value) + " is too long");
            }
            return format.check(value, text);
        }
    }

    /** A whole number, as a number or in a string; bounds are inclusive. */
    record Whole(long min, long max) implements Schema {
        private static final Pattern DIGITS = Pattern.compile("-?[0-9]{1,18}");

        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            long number;
            if (value.isString()) {
                if (!DIGITS.matcher(value.stringValue()).matches()) {
                    return violation(value, PythonText.repr(value) + " does not match '^[0-9]*$'");
                }
                number = Long.parseLong(value.stringValue());
            } else if (value.isIntegralNumber() && value.canConvertToLong()) {
                number = value.longValue();
            } else {
                return wrongType(value, "'integer', 'string'");
            }
            if (number < min) {
                return violation(
                        value, PythonText.str(value) + " is less than the minimum of " + min);
            }
            if (number > max) {
                return violation(
                        value, PythonText.str(value) + " is greater than the maximum of " + max);
            }
            return Optional.empty();
        }
    }

    /** A non-negative decimal number, as a number or in a string. */
    record Decimal() implements Schema {
        private static final Pattern DIGITS = Pattern.compile("[0-9]{1,18}(\\.[0-9]{1,18})?");

        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            if (value.isString()) {
                return DIGITS.matcher(value.stringValue()).matches()
                        ? Optional.empty()
                        : violation(
                                value,
                                PythonText.repr(value) + " does not match '^[0-9]+(\\.[0-9]+)?$'");
            }
            if (!value.isNumber()) {
                return wrongType(value, "'number', 'string'");
            }
            return value.doubleValue() > 0
                    ? Optional.empty()
                    : violation(
                            value,
                            PythonText.repr(value) + " is less than or equal to the minimum of 0");
        }
    }

    /** A truth value in any of the ways Nova accepts. */
    record Truth() implements Schema {
        static final Set<String> TRUE =
                Set.of("True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes");
        static final Set<String> FALSE =
                Set.of("False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no");

        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            if (value.isBoolean()) {
                return Optional.empty();
            }
            if (!value.isString()) {
                return wrongType(value, "'boolean', 'string'");
            }
            return TRUE.contains(value.stringValue()) || FALSE.contains(value.stringValue())
                    ? Optional.empty()
                    : violation(
                            value,
                            PythonText.repr(value)
                                    + " is not one of [True, 'True', 'TRUE', 'true', '1', 'ON',"
                                    + " 'On', 'on', 'YES', 'Yes', 'yes', False, 'False', 'FALSE',"
                                    + " 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no']");
        }

        /** The value of something that passed {@link #check}. */
        public static boolean of(JsonNode value) {
            return value.isBoolean() ? value.booleanValue() : TRUE.contains(value.stringValue());
        }
    }

    /** One of some strings. */
    record Choice(List<String> values) implements Schema {
        public Choice {
            values = List.copyOf(values);
        }

        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            if (!value.isString()) {
                return wrongType(value, "'string'");
            }
            return values.contains(value.stringValue())
                    ? Optional.empty()
                    : violation(
                            value,
                            "%s is not one of %s"
                                    .formatted(PythonText.repr(value), PythonText.strings(values)));
        }
    }

    /** Null and nothing else. */
    record Null() implements Schema {
        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            return value.isNull() ? Optional.empty() : wrongType(value, "'null'");
        }
    }

    /** Anything. */
    record Anything() implements Schema {
        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            return Optional.empty();
        }
    }

    /** One of several. */
    record Either(List<Schema> choices) implements Schema {
        public Either {
            choices = List.copyOf(choices);
        }

        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            for (Schema choice : choices) {
                if (choice.check(value, minor).isEmpty()) {
                    return Optional.empty();
                }
            }
            return violation(
                    value, PythonText.repr(value) + " is not valid under any of the given schemas");
        }
    }

    /** A different schema from some minor version on; entries are in ascending order. */
    record ByVersion(Schema first, int changedIn, Schema then) implements Schema {
        @Override
        public Optional<Violation> check(JsonNode value, int minor) {
            return (minor < changedIn ? first : then).check(value, minor);
        }
    }

    /** A named condition on a string. */
    record Format(String name, Predicate<String> test, Optional<String> ownMessage) {
        Optional<Violation> check(JsonNode value, String text) {
            if (test.test(text)) {
                return Optional.empty();
            }
            return Optional.of(
                    ownMessage
                            .map(m -> new Violation(List.of(), value, m, true))
                            .orElseGet(
                                    () ->
                                            new Violation(
                                                    value,
                                                    "%s is not a '%s'"
                                                            .formatted(
                                                                    PythonText.repr(value),
                                                                    name))));
        }
    }

    private static Optional<Violation> violation(JsonNode value, String message) {
        return Optional.of(new Violation(value, message));
    }

    private static Optional<Violation> wrongType(JsonNode value, String types) {
        return violation(value, PythonText.repr(value) + " is not of type " + types);
    }

    private static Optional<Violation> unexpected(JsonNode value, Set<String> known) {
        List<String> extra =
                value.propertyNames().stream().filter(name -> !known.contains(name)).toList();
        if (extra.isEmpty()) {
            return Optional.empty();
        }
        String list = String.join(", ", extra.stream().map(name -> "'" + name + "'").toList());
        return violation(
                value,
                "Additional properties are not allowed (%s %s unexpected)"
                        .formatted(list, extra.size() == 1 ? "was" : "were"));
    }
}
