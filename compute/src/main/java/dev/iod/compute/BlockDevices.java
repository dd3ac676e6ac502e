package dev.iod.compute;

import dev.iod.rest.ApiException;
import dev.iod.rest.Schema;
import dev.iod.volume.ServerVolumes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * What a POST of servers says about disks: {@code block_device_mapping_v2}, or the older {@code
 * block_device_mapping}.
 *
 * @param fromVolume the server boots the first of the volumes, and no image
 * @param volumes in the order of the server's devices
 */
record BlockDevices(boolean fromVolume, List<ServerVolumes.Wanted> volumes) {
    private static final String ROOT_DEVICE = "vda";
    private static final String DEVICES = "/dev/";

    /** Nova's NULL and negative boot index. */
    private static final int NEVER_BOOTS = -1;

    BlockDevices {
        volumes = List.copyOf(volumes);
    }

    /**
     * One of the request's devices that is a volume; a boot index of less than 0 is never booted.
     */
    private record Device(ServerVolumes.Wanted volume, int bootIndex) {}

    /**
     * @param image whether the request names an image to boot
     * @throws ApiException 400 in Nova's words for what no server can have
     */
    static BlockDevices of(JsonNode server, boolean image) {
        JsonNode old = server.path("block_device_mapping");
        JsonNode mappings = server.path("block_device_mapping_v2");
        if (!old.isEmpty() && !mappings.isEmpty()) {
            throw ApiException.badRequest(
                    "Using different block_device_mapping syntaxes is not allowed in the same"
                            + " request.");
        }
        if (old.isEmpty() && mappings.isEmpty()) {
            return new BlockDevices(false, List.of());
        }
        refuseNames(old.isEmpty() ? mappings : old, image);
        return old.isEmpty() ? listed(mappings, image) : legacy(old, image);
    }

    /** No name is kept, but two devices of one name are a mistake. */
    private static void refuseNames(JsonNode mappings, boolean image) {
        Set<String> names = new HashSet<>();
        for (JsonNode mapping : mappings) {
            String name = mapping.path("device_name").asString("");
            String bare = name.startsWith(DEVICES) ? name.substring(DEVICES.length()) : name;
            if (image && bare.equals(ROOT_DEVICE) && !isImage(mapping)) {
                throw ApiException.badRequest(
                        "The volume cannot be assigned the same device name as the root device "
                                + ROOT_DEVICE);
            }
            if (!bare.isEmpty() && !names.add(bare)) {
                throw invalid("The supplied device path (%s) is in use.".formatted(name));
            }
        }
    }

    private static boolean isImage(JsonNode mapping) {
        return mapping.path("source_type").asString("").equals("image")
                && !mapping.path("destination_type").asString("local").equals("volume");
    }

    private static BlockDevices listed(JsonNode mappings, boolean image) {
        List<Device> devices = new ArrayList<>();
        List<Integer> bootIndexes = new ArrayList<>();
        for (JsonNode mapping : mappings) {
            if (isNoDevice(mapping)) {
                continue;
            }
            if (mapping.has("tag")) {
                throw ApiException.badRequest("Tags of devices are not supported.");
            }
            int index = bootIndex(mapping);
            if (index >= 0) {
                bootIndexes.add(index);
            }
            volume(mapping, image, index)
                    .ifPresent(volume -> devices.add(new Device(volume, index)));
        }
        bootIndexes.sort(Comparator.naturalOrder());
        for (int i = 0; i < bootIndexes.size(); i++) {
            if (bootIndexes.get(i) != i) {
                throw bootSequence();
            }
        }
        if (bootIndexes.isEmpty()) {
            throw bootSequence();
        }
        return inOrder(devices, image);
    }

    /** Nova's older form: a volume with the root device's name is booted. */
    private static BlockDevices legacy(JsonNode mappings, boolean image) {
        List<Device> devices = new ArrayList<>();
        for (JsonNode mapping : mappings) {
            if (isNoDevice(mapping)) {
                continue;
            }
            if (!mapping.hasNonNull("volume_id")) {
                throw invalid("Unrecognized legacy format.");
            }
            String name = mapping.path("device_name").asString("");
            boolean root = name.equals(ROOT_DEVICE) || name.equals(DEVICES + ROOT_DEVICE);
            devices.add(
                    new Device(
                            new ServerVolumes.Wanted(
                                    mapping.path("volume_id").stringValue(),
                                    isTrue(mapping, "delete_on_termination")),
                            root ? 0 : NEVER_BOOTS));
        }
        return inOrder(devices, image);
    }

    /** What is booted comes first. */
    private static BlockDevices inOrder(List<Device> devices, boolean image) {
        boolean root = devices.stream().anyMatch(device -> device.bootIndex() == 0);
        if (root == image) {
            throw bootSequence();
        }
        List<ServerVolumes.Wanted> volumes =
                devices.stream()
                        .sorted(
                                Comparator.comparingInt(
                                        device ->
                                                device.bootIndex() < 0
                                                        ? Integer.MAX_VALUE
                                                        : device.bootIndex()))
                        .map(Device::volume)
                        .toList();
        Set<String> ids = new HashSet<>();
        for (ServerVolumes.Wanted volume : volumes) {
            if (!ids.add(volume.volumeId())) {
                throw invalid("failed to get volume %s.".formatted(volume.volumeId()));
            }
        }
        return new BlockDevices(root, volumes);
    }

    /** The volume of a mapping; empty for the image that the request boots. */
    private static Optional<ServerVolumes.Wanted> volume(
            JsonNode mapping, boolean image, int bootIndex) {
        String source = mapping.path("source_type").asString(implied(mapping));
        String uuid = text(mapping, "uuid").orElse(mapping.path(source + "_id").asString(""));
        boolean local =
                mapping.path("destination_type")
                        .asString(
                                source.equals("volume") || source.equals("snapshot")
                                        ? "volume"
                                        : "local")
                        .equals("local");
        if (source.equals("blank") == !uuid.isEmpty()) {
            throw invalid(uuid.isEmpty() ? "Missing device UUID." : "Invalid device UUID.");
        }
        return switch (source) {
            case "volume" -> {
                if (local) {
                    throw invalid("Mapping a volume to local is not supported.");
                }
                yield Optional.of(
                        new ServerVolumes.Wanted(uuid, isTrue(mapping, "delete_on_termination")));
            }
            case "image" -> {
                if (!local) {
                    throw notMade(source);
                }
                if (!image || bootIndex != 0) {
                    throw invalid("Mapping image to local is not supported.");
                }
                yield Optional.empty();
            }
            case "blank" -> {
                if (!local) {
                    throw notMade(source);
                }
                throw ApiException.badRequest(
                        mapping.path("guest_format").asString("").equals("swap")
                                ? "Swap drive requested is larger than instance type allows."
                                : "Ephemeral disks requested are larger than the instance type"
                                        + " allows. If no size is given in one block device"
                                        + " mapping, flavor ephemeral size will be used.");
            }
            default -> throw notMade(source);
        };
    }

    /** Clients may leave out the type and name the source by its own property. */
    private static String implied(JsonNode mapping) {
        return List.of("volume", "snapshot", "image").stream()
                .filter(kind -> mapping.hasNonNull(kind + "_id"))
                .findFirst()
                .orElse("blank");
    }

    private static int bootIndex(JsonNode mapping) {
        JsonNode index = mapping.path("boot_index");
        return index.isMissingNode() || index.isNull()
                ? NEVER_BOOTS
                : Integer.parseInt(index.asString());
    }

    /** Anything that is not false, null or nothing, as Python has it. */
    private static boolean isNoDevice(JsonNode mapping) {
        JsonNode value = mapping.path("no_device");
        return !value.isNull()
                && !value.isMissingNode()
                && !value.asString("").isEmpty()
                && !(value.isBoolean() && !value.booleanValue());
    }

    private static boolean isTrue(JsonNode mapping, String name) {
        return mapping.hasNonNull(name) && Schema.Truth.of(mapping.path(name));
    }

    private static Optional<String> text(JsonNode mapping, String name) {
        return mapping.path(name).stringValueOpt();
    }

    private static ApiException notMade(String source) {
        return invalid(
                ("volumes are not made with their servers: make a volume of the %s first and name"
                                + " it with source_type volume.")
                        .formatted(source));
    }

    private static ApiException bootSequence() {
        return invalid(
                "Boot sequence for the instance and image/block device mapping combination is not"
                        + " valid.");
    }

    private static ApiException invalid(String why) {
        return ApiException.badRequest("Block Device Mapping is Invalid: " + why);
    }
}
