package dev.iod.cli;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** What a new region gets so that it can be used at once; all through the public API. */
final class Bootstrap {
    static final String IMAGE = "iod-micro";
    static final String PROJECT = "demo";

    private final Api admin;
    private final RegionConfig config;

    Bootstrap(Api admin, RegionConfig config) {
        this.admin = admin;
        this.config = config;
    }

    /** Project and user "demo" with role member. @return whether anything was missing */
    boolean demoProject() {
        Optional<String> known = find("/identity/v3/projects?name=" + PROJECT, "/projects");
        Optional<String> knownUser = find("/identity/v3/users?name=" + PROJECT, "/users");
        String project =
                known.orElseGet(
                        () ->
                                admin.post(
                                                "/identity/v3/projects",
                                                Map.of(
                                                        "project",
                                                        Map.of(
                                                                "name",
                                                                PROJECT,
                                                                "domain_id",
                                                                "default")))
                                        .at("/project/id")
                                        .stringValue());
        String user =
                knownUser.orElseGet(
                        () ->
                                admin.post(
                                                "/identity/v3/users",
                                                Map.of(
                                                        "user",
                                                        Map.of(
                                                                "name",
                                                                PROJECT,
                                                                "password",
                                                                config.demoPassword(),
                                                                "domain_id",
                                                                "default",
                                                                "default_project_id",
                                                                project)))
                                        .at("/user/id")
                                        .stringValue());
        String role =
                find("/identity/v3/roles?name=member", "/roles")
                        .orElseThrow(() -> new CliException("the region has no role 'member'"));
        admin.put("/identity/v3/projects/" + project + "/users/" + user + "/roles/" + role);
        return known.isEmpty() || knownUser.isEmpty();
    }

    /** The guest image in its three parts (kernel, initial RAM disk, machine). */
    boolean image(Path directory) {
        if (active(IMAGE).isPresent()) {
            return false;
        }
        String kernel = upload(IMAGE + "-kernel", "aki", directory.resolve("vmlinuz"), Map.of());
        String initrd = upload(IMAGE + "-initrd", "ari", directory.resolve("initrd"), Map.of());
        upload(
                IMAGE,
                "ami",
                directory.resolve("versions"),
                Map.of(
                        "kernel_id", kernel,
                        "ramdisk_id", initrd,
                        "os_command_line", Layout.read(directory.resolve("cmdline")).strip()));
        return true;
    }

    private String upload(String name, String format, Path file, Map<String, String> properties) {
        Optional<String> known = active(name); // of a start that was cut short
        if (known.isPresent()) {
            return known.get();
        }
        Map<String, Object> image = new HashMap<>(properties);
        image.put("name", name);
        image.put("disk_format", format);
        image.put("container_format", format);
        image.put("visibility", "public");
        String id = admin.post("/image/v2/images", image).at("/id").stringValue();
        admin.upload("/image/v2/images/" + id + "/file", file);
        return id;
    }

    private Optional<String> active(String image) {
        return find("/image/v2/images?status=active&name=" + image, "/images");
    }

    private Optional<String> find(String path, String list) {
        JsonNode found = admin.get(path).at(list);
        return found.isEmpty()
                ? Optional.empty()
                : Optional.of(found.get(0).at("/id").stringValue());
    }
}
