package dev.iod.cli;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * The settings of Tempest for a region. What is not said here is Tempest's default, which is what
 * an OpenStack cloud can: a feature that is missing here shows as a failure.
 */
final class TempestSettings {
    /** Its servers boot the region's kernel, with a disk that volumes can be made of too. */
    private static final String IMAGE = "tempest-1";

    private static final String OTHER_IMAGE = "tempest-2";
    private static final int IMAGE_BYTES = 1 << 20;

    private TempestSettings() {}

    /**
     * @param directory of what Tempest keeps
     * @throws CliException when the region does not answer, or has not what {@code ./iod up} gives
     *     it
     */
    static String of(RegionConfig config, Path directory) {
        Api admin = Api.signIn(config.api(), "admin", config.adminPassword(), "admin");
        String extensions =
                admin.get("/network/v2.0/extensions")
                        .at("/extensions")
                        .valueStream()
                        .map(extension -> extension.at("/alias").asString())
                        .sorted()
                        .collect(Collectors.joining(","));
        return """
        [DEFAULT]
        log_dir = %1$s
        log_file = tempest.log
        [oslo_concurrency]
        lock_path = %1$s/locks
        [auth]
        admin_username = admin
        admin_password = %2$s
        admin_project_name = admin
        tempest_roles = member
        [identity]
        uri_v3 = %3$s/identity/v3
        v3_endpoint_type = public
        [service_available]
        neutron = true
        swift = false
        horizon = false
        [compute]
        image_ref = %4$s
        image_ref_alt = %11$s
        flavor_ref = %5$s
        flavor_ref_alt = %6$s
        min_compute_nodes = %7$d
        max_microversion = %8$s
        [compute-feature-enabled]
        resize = true
        [network]
        project_network_cidr = 10.100.0.0/16
        [network-feature-enabled]
        api_extensions = %9$s
        floating_ips = false
        [validation]
        run_validation = false
        [volume]
        max_microversion = %10$s
        """
                .formatted(
                        directory,
                        config.adminPassword(),
                        config.api(),
                        image(admin, IMAGE, directory),
                        id(admin, "/compute/v2.1/flavors", "/flavors", "m1.micro"),
                        id(admin, "/compute/v2.1/flavors", "/flavors", "d1.micro"),
                        config.nodes(),
                        admin.get("/compute/v2.1").at("/version/version").asString(),
                        extensions,
                        admin.get("/volume/v3").at("/versions/0/version").asString(),
                        image(admin, OTHER_IMAGE, directory));
    }

    /** The id of an image, which is made when it is not there. */
    private static String image(Api admin, String name, Path directory) {
        JsonNode known = admin.get("/image/v2/images?status=active&name=" + name).at("/images");
        if (!known.isEmpty()) {
            return known.get(0).at("/id").asString();
        }
        JsonNode micro =
                admin.get("/image/v2/images?status=active&name=" + Bootstrap.IMAGE).at("/images/0");
        if (micro.isMissingNode()) {
            throw new CliException("the region has no image '%s'".formatted(Bootstrap.IMAGE));
        }
        Map<String, Object> image = new HashMap<>();
        for (String property : List.of("kernel_id", "ramdisk_id", "os_command_line")) {
            image.put(property, micro.at("/" + property).asString());
        }
        image.put("name", name);
        image.put("disk_format", "raw");
        image.put("container_format", "bare");
        image.put("visibility", "public");
        String id = admin.post("/image/v2/images", image).at("/id").asString();
        Path disk = directory.resolve(name + ".raw");
        Layout.write(disk, "\0".repeat(IMAGE_BYTES), false, false);
        admin.upload("/image/v2/images/" + id + "/file", disk);
        return id;
    }

    private static String id(Api api, String path, String list, String name) {
        return api.get(path)
                .at(list)
                .valueStream()
                .filter(one -> one.at("/name").asString().equals(name))
                .map(one -> one.at("/id").asString())
                .findFirst()
                .orElseThrow(() -> new CliException("the region has no '" + name + "'"));
    }
}
