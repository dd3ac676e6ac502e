package dev.iod.compute;

import dev.iod.rest.ApiException;
import dev.iod.rest.Schema;
import dev.iod.volume.NewServerVolumes.Existing;
import dev.iod.volume.NewServerVolumes.Made;
import dev.iod.volume.NewServerVolumes.Wanted;
import dev.iod.volume.VolumeSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * What a POST of servers says about disks: {@code block_device_mapping_v2}, or the older {@code
 * block_device_mapping}.
 *
 * @param fromVolume the server boots the first of the volumes; beside an image it has no root disk
 *     of that
 * @param volumes in the order of the server's devices
 */
record BlockDevices(boolean fromVolume, List<Wanted> volumes) {
    private static final String ROOT_DEVICE = "vda";
    private static final String DEVICES = "/dev/";

    /** Nova's NULL and negative boot index. */
    private static final int NEVER_BOOTS = -1;

    /** Those that Nova knows. */
    private static final Set<String> BUSES =
            Set.of("fdc", "ide", "lxc", "sata", "scsi", "uml", "usb", "virtio", "xen");

    BlockDevices {
        volumes = List.copyOf(volumes);
    }

    /**
     * One of the request's devices.
     *
     * @param volume empty for the root disk of the request's image
     * @param bootIndex less than 0 is never booted
     */
    private record Device(Optional<Wanted> volume, int bootIndex) {}

    /**
     * @param image whether the request names an image
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

    /** Whether a volume is among them that is there already, which only one server can have. */
    boolean takeOne() {
        return volumes.stream().anyMatch(Existing.class::isInstance);
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
        for (JsonNode mapping : mappings) {
            if (!isNoDevice(mapping)) {
                devices.add(device(mapping, image));
            }
        }
        return inOrder(devices);
    }

    /** Nova's older form: a volume with the root device's name is booted, else the image is. */
    private static BlockDevices legacy(JsonNode mappings, boolean image) {
        List<Device> devices = new ArrayList<>();
        for (JsonNode mapping : mappings) {
            if (isNoDevice(mapping)) {
                continue;
            }
            String virtual = mapping.path("virtual_name").asString("");
            if (virtual.equals("swap") || virtual.matches("ephemeral[0-9]+")) {
                throw notLocal(virtual.equals("swap"));
            }
            String name = mapping.path("device_name").asString("");
            boolean root = name.equals(ROOT_DEVICE) || name.equals(DEVICES + ROOT_DEVICE);
            boolean goes = isTrue(mapping, "delete_on_termination");
            Wanted volume =
                    text(mapping, "snapshot_id")
                            .<Wanted>map(id -> made(mapping, new VolumeSource.OfSnapshot(id), goes))
                            .or(() -> text(mapping, "volume_id").map(id -> new Existing(id, goes)))
                            .orElseThrow(() -> invalid("Unrecognized legacy format."));
            devices.add(new Device(Optional.of(volume), root ? 0 : NEVER_BOOTS));
        }
        if (image) {
            devices.add(new Device(Optional.empty(), 0));
        }
        return inOrder(devices);
    }

    /** What is booted comes first. */
    private static BlockDevices inOrder(List<Device> devices) {
        List<Integer> bootIndexes =
                devices.stream().map(Device::bootIndex).filter(i -> i >= 0).sorted().toList();
        for (int i = 0; i < bootIndexes.size(); i++) {
            if (bootIndexes.get(i) != i) {
                throw bootSequence();
            }
        }
        if (bootIndexes.isEmpty()) {
            throw bootSequence();
        }
        List<Device> sorted =
                devices.stream()
                        .sorted(
                                Comparator.comparingInt(
                                        device ->
                                                device.bootIndex() < 0
                                                        ? Integer.MAX_VALUE
                                                        : device.bootIndex()))
                        .toList();
        List<Wanted> volumes = sorted.stream().flatMap(device -> device.volume().stream()).toList();
        Set<String> ids = new HashSet<>();
        for (Wanted volume : volumes) {
            if (volume instanceof Existing(String id, boolean _) && !ids.add(id)) {
                throw invalid("failed to get volume %s.".formatted(id));
            }
        }
        return new BlockDevices(sorted.getFirst().volume().isPresent(), volumes);
    }

    private static Device device(JsonNode mapping, boolean image) {
        if (mapping.has("tag")) {
            throw ApiException.badRequest("Tags of devices are not supported.");
        }
        int bootIndex = bootIndex(mapping);
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
        refuseHardware(mapping);
        if (local) {
            return new Device(noVolume(mapping, source, image && bootIndex == 0), bootIndex);
        }
        boolean goes = isTrue(mapping, "delete_on_termination");
        Wanted volume =
                switch (source) {
                    case "volume" -> {
                        if (mapping.hasNonNull("volume_type")) {
                            throw invalid(
                                    "Specifying volume type to existing volume is not supported.");
                        }
                        yield new Existing(uuid, goes);
                    }
                    case "snapshot" -> made(mapping, new VolumeSource.OfSnapshot(uuid), goes);
                    case "image" -> {
                        if (!mapping.hasNonNull("volume_size")) {
                            throw invalid(
                                    "Images with destination_type 'volume' need to have a non-zero"
                                            + " size specified");
                        }
                        yield made(mapping, new VolumeSource.Image(uuid), goes);
                    }
                    default -> {
                        if (!mapping.hasNonNull("volume_size")) {
                            throw invalid(
                                    "Blank volumes (source: 'blank', dest: 'volume') need to have"
                                            + " non-zero size");
                        }
                        yield made(mapping, new VolumeSource.Blank(), goes);
                    }
                };
        return new Device(Optional.of(volume), bootIndex);
    }

    private static Made made(JsonNode mapping, VolumeSource source, boolean goes) {
        return new Made(
                source,
                mapping.hasNonNull("volume_size")
                        ? OptionalLong.of(Long.parseLong(mapping.path("volume_size").asString()))
                        : OptionalLong.empty(),
                text(mapping, "volume_type").filter(type -> !type.isEmpty()),
                goes);
    }

    /** Nothing but the root disk of the request's image is local. */
    private static Optional<Wanted> noVolume(JsonNode mapping, String source, boolean root) {
        if (mapping.hasNonNull("volume_type")) {
            throw invalid("Specifying a volume_type with destination_type=local is not supported.");
        }
        if (source.equals("blank")) {
            throw notLocal(mapping.path("guest_format").asString("").equals("swap"));
        }
        if (!source.equals("image") || !root) {
            throw invalid("Mapping %s to local is not supported.".formatted(source));
        }
        return Optional.empty();
    }

    /** All disks of servers here are alike. */
    private static void refuseHardware(JsonNode mapping) {
        String bus = mapping.path("disk_bus").asString("");
        if (!bus.isEmpty() && !BUSES.contains(bus)) {
            throw invalid("The provided disk bus %s is not valid.".formatted(bus));
        }
        if (!bus.isEmpty() && !bus.equals("virtio")) {
            throw invalid("Disks of this region have disk_bus virtio, not %s.".formatted(bus));
        }
        String type = mapping.path("device_type").asString("");
        if (!type.isEmpty() && !type.equals("disk")) {
            throw invalid("Devices of this region have device_type disk, not %s.".formatted(type));
        }
    }

    private static ApiException notLocal(boolean swap) {
        return ApiException.badRequest(
                swap
                        ? "Swap drive requested is larger than instance type allows."
                        : "Ephemeral disks requested are larger than the instance type allows. If"
                                + " no size is given in one block device mapping, flavor ephemeral"
                                + " size will be used.");
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

    private static ApiException bootSequence() {
        return invalid(
                "Boot sequence for the instance and image/block device mapping combination is not"
                        + " valid.");
    }

    private static ApiException invalid(String why) {
        return ApiException.badRequest("Block Device Mapping is Invalid: " + why);
    }
}
