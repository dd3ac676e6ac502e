package dev.iod.host;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Typed reading of a parsed JSON object; everything missing or of another type is INVALID. */
record Fields(Map<String, Object> object) {

    static Fields parse(byte[] line) {
        return new Fields(Json.parse(line));
    }

    boolean has(String name) {
        return object.containsKey(name);
    }

    String text(String name) {
        return value(name, String.class, "text");
    }

    Optional<String> optionalText(String name) {
        return has(name) ? Optional.of(text(name)) : Optional.empty();
    }

    long number(String name) {
        return value(name, Long.class, "a whole number");
    }

    int smallNumber(String name) {
        long number = number(name);
        MachineSpec.check(number == (int) number, "%s %s: too large", name, number);
        return (int) number;
    }

    boolean truth(String name) {
        return value(name, Boolean.class, "true or false");
    }

    Fields fields(String name) {
        return fields(name, value(name, Map.class, "an object"));
    }

    List<Fields> list(String name) {
        List<Fields> list = new ArrayList<>();
        for (Object element : value(name, List.class, "a list")) {
            list.add(fields(name, element));
        }
        return list;
    }

    private static Fields fields(String name, Object value) {
        MachineSpec.check(value instanceof Map, "%s: expected an object", name);
        Map<String, Object> copy = new HashMap<>();
        ((Map<?, ?>) value).forEach((k, v) -> copy.put(String.valueOf(k), v));
        return new Fields(copy);
    }

    private <T> T value(String name, Class<T> type, String expected) {
        Object value = object.get(name);
        if (!type.isInstance(value)) {
            throw new HostException(
                    HostException.Category.INVALID, name + ": expected " + expected);
        }
        return type.cast(value);
    }
}
