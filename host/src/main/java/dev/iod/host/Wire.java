package dev.iod.host;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The JSON forms of the records: an object has a member for each component, a constant is its name
 * in lower case, a path is text, and a record of a sealed interface has a member {@code type}. A
 * request is {@code {"id":N,"op":…}}, its reply {@code {"id":N,…}} or {@code
 * {"id":N,"error":{"category":…,"message":…}}}; a line with {@code "event"} and no id was not asked
 * for. After the reply to {@code use} a connection carries the bytes of a console.
 */
final class Wire {
    private static final String TYPE = "type";

    private Wire() {}

    static Map<String, Object> of(Record record) {
        Map<String, Object> object = new LinkedHashMap<>();
        if (Arrays.stream(record.getClass().getInterfaces()).anyMatch(Class::isSealed)) {
            object.put(TYPE, name(record.getClass()));
        }
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            try {
                object.put(component.getName(), form(component.getAccessor().invoke(record)));
            } catch (IllegalAccessException | InvocationTargetException e) {
                throw new IllegalStateException("cannot read " + component, e);
            }
        }
        return object;
    }

    private static Object form(Object value) {
        return switch (value) {
            case Record record -> of(record);
            case List<?> list -> list.stream().map(Wire::form).toList();
            case Enum<?> constant -> name(constant);
            case Path path -> path.toString();
            case String text -> text;
            case Integer number -> number;
            case Long number -> number;
            case Boolean truth -> truth;
            default -> throw new IllegalArgumentException("no JSON form of " + value.getClass());
        };
    }

    /**
     * A record from its form.
     *
     * @throws HostException INVALID, naming what is missing, of another type or refused
     */
    static <T> T read(Class<T> type, Fields fields) {
        if (type.isSealed()) {
            String wanted = fields.text(TYPE);
            for (Class<?> permitted : type.getPermittedSubclasses()) {
                if (name(permitted).equals(wanted)) {
                    return type.cast(read(permitted, fields));
                }
            }
            throw new HostException(HostException.Category.INVALID, TYPE + ": unknown " + wanted);
        }
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] types =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        Object[] values =
                Arrays.stream(components)
                        .map(c -> value(c.getName(), c.getType(), c.getGenericType(), fields))
                        .toArray();
        try {
            Constructor<T> constructor = type.getDeclaredConstructor(types);
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof HostException refused) {
                throw refused;
            }
            throw new IllegalStateException("cannot make " + type, e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot make " + type, e);
        }
    }

    private static Object value(String name, Class<?> type, Type generic, Fields fields) {
        if (type == List.class && generic instanceof ParameterizedType list) {
            Class<?> element = (Class<?>) list.getActualTypeArguments()[0];
            List<Object> values = new ArrayList<>();
            fields.list(name).forEach(each -> values.add(read(element, each)));
            return values;
        } else if (type == String.class) {
            return fields.text(name);
        } else if (type == int.class) {
            return fields.smallNumber(name);
        } else if (type == long.class) {
            return fields.number(name);
        } else if (type == boolean.class) {
            return fields.truth(name);
        } else if (type == Path.class) {
            return path(name, fields);
        } else if (type.isEnum()) {
            return constant(type, name, fields);
        }
        return read(type, fields.fields(name));
    }

    static Map<String, Object> of(HostException failure) {
        return Map.of("category", name(failure.category()), "message", failure.getMessage());
    }

    static HostException failure(Fields fields) {
        return new HostException(
                constant(HostException.Category.class, "category", fields), fields.text("message"));
    }

    static String name(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    private static String name(Class<?> type) {
        return type.getSimpleName().toLowerCase(Locale.ROOT);
    }

    /** A constant of an enumeration by its name in lower case. */
    static <T> T constant(Class<T> type, String name, Fields fields) {
        String text = fields.text(name);
        for (T constant : type.getEnumConstants()) {
            if (name((Enum<?>) constant).equals(text)) {
                return constant;
            }
        }
        throw new HostException(HostException.Category.INVALID, name + ": unknown " + text);
    }

    private static Path path(String name, Fields fields) {
        try {
            return Path.of(fields.text(name));
        } catch (InvalidPathException e) {
            throw new HostException(
                    HostException.Category.INVALID, name + ": " + e.getMessage(), e);
        }
    }
}
