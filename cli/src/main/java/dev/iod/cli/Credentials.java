package dev.iod.cli;

import java.nio.file.Path;

/** The files OpenStack clients read: {@code clouds.yaml} and {@code openrc}. */
final class Credentials {
    static final String CLOUD = "iod";
    static final String ADMIN_CLOUD = "iod-admin";

    private Credentials() {}

    static Path clouds(Layout layout) {
        return layout.run().resolve("clouds.yaml");
    }

    /**
     * Both say that the cloud has no floating addresses. Without that openstacksdk looks for an
     * external network to give a new server one from, and fails at a router that has no gateway.
     *
     * @return whether a file was missing or different
     */
    static boolean write(Layout layout, RegionConfig config) {
        String clouds =
                "clouds:\n"
                        + cloud(config, CLOUD, Bootstrap.PROJECT, config.demoPassword())
                        + cloud(config, ADMIN_CLOUD, "admin", config.adminPassword());
        String openrc =
                """
                export OS_AUTH_URL=%s/identity/v3
                export OS_USERNAME=%s
                export OS_PASSWORD=%s
                export OS_PROJECT_NAME=%s
                export OS_USER_DOMAIN_ID=default
                export OS_PROJECT_DOMAIN_ID=default
                export OS_IDENTITY_API_VERSION=3
                export OS_REGION_NAME=RegionOne
                export OS_FLOATING_IP_SOURCE=None
                """
                        .formatted(
                                config.api(),
                                Bootstrap.PROJECT,
                                config.demoPassword(),
                                Bootstrap.PROJECT);
        return Layout.write(clouds(layout), clouds, false, true)
                | Layout.write(layout.run().resolve("openrc"), openrc, false, true);
    }

    private static String cloud(RegionConfig config, String name, String user, String password) {
        return """
                |  %s:
                |    auth:
                |      auth_url: %s/identity/v3
                |      username: %s
                |      password: "%s"
                |      project_name: %s
                |      user_domain_id: default
                |      project_domain_id: default
                |    region_name: RegionOne
                |    identity_api_version: 3
                |    floating_ip_source: None
                """
                .formatted(name, config.api(), user, password, user)
                .replaceAll("(?m)^\\|", "");
    }
}
