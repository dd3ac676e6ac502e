package dev.iod.cli;

import java.nio.file.Path;
import java.util.stream.Collectors;

/**
 * The settings of Tempest for a region. What is not said here is Tempest's default, which is what
 * an OpenStack cloud can: a feature that is missing here shows as a failure.
 */
final class TempestSettings {
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
        image_ref_alt = %4$s
        flavor_ref = %5$s
        flavor_ref_alt = %6$s
        min_compute_nodes = %7$d
        max_microversion = %8$s
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
                        id(
                                admin,
                                "/image/v2/images?name=" + Bootstrap.IMAGE,
                                "/images",
                                Bootstrap.IMAGE),
                        id(admin, "/compute/v2.1/flavors", "/flavors", "m1.micro"),
                        id(admin, "/compute/v2.1/flavors", "/flavors", "d1.micro"),
                        config.nodes(),
                        admin.get("/compute/v2.1").at("/version/version").asString(),
                        extensions,
                        admin.get("/volume/v3").at("/versions/0/version").asString());
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
