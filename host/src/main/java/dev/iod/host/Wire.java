package dev.iod.host;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The JSON forms of the records. A request is {@code {"id":N,"op":…}}, its reply {@code {"id":N,…}}
 * or {@code {"id":N,"error":{"category":…,"message":…}}}; a line with {@code "event"} and no id was
 * not asked for.
 */
final class Wire {
    private Wire() {}

    static Map<String, Object> of(MachineSpec spec) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("id", spec.id());
        object.put("name", spec.name());
        object.put("model", lower(spec.model()));
        object.put("vcpus", spec.vcpus());
        object.put("memoryMib", spec.memoryMib());
        object.put("kernel", spec.kernel().toString());
        object.put("initrd", spec.initrd().toString());
        object.put("commandLine", spec.commandLine());
        object.put("disks", spec.disks().stream().map(Wire::of).toList());
        object.put("nics", spec.nics().stream().map(Wire::of).toList());
        return object;
    }

    private static Map<String, Object> of(Disk disk) {
        return Map.of("id", disk.id(), "socket", disk.socket().toString());
    }

    private static Map<String, Object> of(Nic nic) {
        return Map.of(
                "id", nic.id(),
                "mac", nic.mac(),
                "mtu", nic.mtu(),
                "socket", nic.socket().toString());
    }

    static MachineSpec spec(Fields fields) {
        return new MachineSpec(
                fields.text("id"),
                fields.text("name"),
                constant(MachineModel.class, "model", fields),
                fields.smallNumber("vcpus"),
                fields.number("memoryMib"),
                path("kernel", fields),
                path("initrd", fields),
                fields.text("commandLine"),
                fields.list("disks").stream().map(Wire::disk).toList(),
                fields.list("nics").stream().map(Wire::nic).toList());
    }

    private static Disk disk(Fields fields) {
        return new Disk(fields.text("id"), path("socket", fields));
    }

    private static Nic nic(Fields fields) {
        return new Nic(
                fields.text("id"),
                fields.text("mac"),
                fields.smallNumber("mtu"),
                path("socket", fields));
    }

    static Map<String, Object> of(MachineStatus status) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("id", status.id());
        object.put("state", lower(status.state()));
        object.put("reason", status.reason());
        object.put("pid", status.pid());
        object.put("startedAtMillis", status.startedAtMillis());
        return object;
    }

    static MachineStatus status(Fields fields) {
        return new MachineStatus(
                fields.text("id"),
                constant(MachineState.class, "state", fields),
                fields.text("reason"),
                fields.number("pid"),
                fields.number("startedAtMillis"));
    }

    static Map<String, Object> of(HostException failure) {
        return Map.of("category", lower(failure.category()), "message", failure.getMessage());
    }

    static HostException failure(Fields fields) {
        return new HostException(
                constant(HostException.Category.class, "category", fields), fields.text("message"));
    }

    private static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    private static <E extends Enum<E>> E constant(Class<E> type, String name, Fields fields) {
        String text = fields.text(name);
        for (E constant : type.getEnumConstants()) {
            if (lower(constant).equals(text)) {
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
