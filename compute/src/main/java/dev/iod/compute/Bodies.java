package dev.iod.compute;

import static dev.iod.rest.Formats.body;
import static dev.iod.rest.Formats.nullable;
import static dev.iod.rest.Formats.optional;
import static dev.iod.rest.Formats.required;
import static dev.iod.rest.Formats.since;
import static dev.iod.rest.Formats.struct;
import static dev.iod.rest.Formats.until;

import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Request;
import dev.iod.rest.Schema;
import dev.iod.rest.Schema.Anything;
import dev.iod.rest.Schema.ByVersion;
import dev.iod.rest.Schema.Choice;
import dev.iod.rest.Schema.Dictionary;
import dev.iod.rest.Schema.Either;
import dev.iod.rest.Schema.Items;
import dev.iod.rest.Schema.Null;
import dev.iod.rest.Schema.Property;
import dev.iod.rest.Schema.Struct;
import dev.iod.rest.Schema.Text;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** The bodies of all requests of the compute service in every microversion, as data. */
final class Bodies {
    /** Most servers one request may ask for; Nova leaves this to the quota alone. */
    static final int MAX_SERVERS_PER_REQUEST = 100;

    static final int MAX_TAGS = 50;
    private static final int MAX_ITEMS = 64;
    private static final int FOREVER = Integer.MAX_VALUE;

    private Bodies() {}

    private static final Schema OPEN = new Struct(List.of(), true);

    private static final Schema NETWORK_LIST =
            new Items(
                    struct(
                            optional("fixed_ip", Formats.IP),
                            optional("port", nullable(Formats.ID)),
                            new Property("uuid", Formats.TEXT, false, 1, 36),
                            since(37, "uuid", Formats.ID),
                            new Property("tag", Formats.TAG, false, 32, 36),
                            since(42, "tag", Formats.TAG)),
                    0,
                    MAX_ITEMS,
                    false);

    private static final Schema NETWORKS =
            new ByVersion(
                    NETWORK_LIST,
                    37,
                    new Either(List.of(NETWORK_LIST, new Choice(List.of("none", "auto")))));

    private static final Schema HINTS = new Struct(List.of(optional("group", Formats.ID)), true);

    private static final Schema ADMIN_PASSWORD =
            new Text(
                    0,
                    AdminPassword.MAX_BYTES,
                    Formats.format(
                            "password of at most %d bytes".formatted(AdminPassword.MAX_BYTES),
                            AdminPassword::isAccepted));

    private static final Schema PERSONALITY = new Items(OPEN, 0, MAX_ITEMS, false);
    private static final Schema CERTIFICATES =
            nullable(new Items(new Text(1, 255, Formats.ANY), 1, 50, true));

    private static final Schema SIZE = new Schema.Whole(1, Integer.MAX_VALUE);
    private static final Schema DEVICE_NAME =
            new Text(1, 255, Formats.matching("[a-zA-Z0-9._/-]*"));
    private static final Schema SHORT = new Text(0, 255, Formats.ANY);

    private static final List<Property> OLD_DEVICE =
            List.of(
                    optional("virtual_name", SHORT),
                    optional("volume_id", Formats.ID),
                    optional("snapshot_id", Formats.ID),
                    optional("volume_size", SIZE),
                    optional("device_name", DEVICE_NAME),
                    optional("delete_on_termination", Formats.BOOLEAN),
                    optional("no_device", new Anything()),
                    optional("connection_info", Formats.TEXT));

    private static final List<Property> DEVICE =
            Stream.concat(
                            OLD_DEVICE.stream(),
                            Stream.of(
                                    optional(
                                            "source_type",
                                            new Choice(
                                                    List.of(
                                                            "volume",
                                                            "image",
                                                            "snapshot",
                                                            "blank"))),
                                    optional(
                                            "uuid",
                                            new Text(1, 255, Formats.matching("[a-zA-Z0-9._-]*"))),
                                    optional("image_id", Formats.ID),
                                    optional(
                                            "destination_type",
                                            new Choice(List.of("local", "volume"))),
                                    optional("guest_format", SHORT),
                                    optional("device_type", SHORT),
                                    optional("disk_bus", SHORT),
                                    optional(
                                            "boot_index",
                                            nullable(
                                                    new Schema.Whole(
                                                            Integer.MIN_VALUE, Integer.MAX_VALUE))),
                                    new Property("tag", Formats.TAG, false, 32, 32),
                                    since(42, "tag", Formats.TAG),
                                    since(67, "volume_type", nullable(SHORT))))
                    .toList();

    private static final Schema NEW_SERVER =
            struct(
                    required("name", Formats.NAME),
                    required("flavorRef", Formats.FLAVOR_REF),
                    optional("imageRef", Formats.ID_OR_EMPTY),
                    optional("adminPass", ADMIN_PASSWORD),
                    optional("metadata", Formats.METADATA),
                    until(36, "networks", NETWORKS),
                    new Property("networks", NETWORKS, true, 37, FOREVER),
                    optional("OS-DCF:diskConfig", Formats.DISK_CONFIG),
                    optional("accessIPv4", Formats.ACCESS_IPV4),
                    optional("accessIPv6", Formats.ACCESS_IPV6),
                    until(56, "personality", PERSONALITY),
                    optional("availability_zone", Formats.NAME),
                    optional(
                            "block_device_mapping",
                            new Items(new Struct(OLD_DEVICE, false), 0, MAX_ITEMS, false)),
                    optional(
                            "block_device_mapping_v2",
                            new Items(new Struct(DEVICE, false), 0, MAX_ITEMS, false)),
                    optional("config_drive", Formats.BOOLEAN),
                    optional("key_name", Formats.NAME),
                    optional("min_count", Formats.POSITIVE),
                    optional("max_count", Formats.POSITIVE),
                    optional("return_reservation_id", Formats.BOOLEAN),
                    optional(
                            "security_groups",
                            new Items(struct(optional("name", Formats.NAME)), 0, MAX_ITEMS, false)),
                    optional("user_data", Formats.BASE64),
                    since(19, "description", Formats.DESCRIPTION),
                    since(52, "tags", new Items(Formats.TAG, 0, MAX_TAGS, false)),
                    since(63, "trusted_image_certificates", CERTIFICATES),
                    since(74, "host", Formats.HOST),
                    since(74, "hypervisor_hostname", Formats.HOST),
                    since(90, "hostname", Formats.HOST_NAME));

    static final Schema CREATE_SERVER =
            struct(
                    required("server", NEW_SERVER),
                    optional("os:scheduler_hints", HINTS),
                    optional("OS-SCH-HNT:scheduler_hints", HINTS));

    static final Schema UPDATE_SERVER =
            body(
                    "server",
                    struct(
                            optional("name", Formats.NAME),
                            optional("OS-DCF:diskConfig", Formats.DISK_CONFIG),
                            optional("accessIPv4", Formats.ACCESS_IPV4),
                            optional("accessIPv6", Formats.ACCESS_IPV6),
                            since(19, "description", Formats.DESCRIPTION),
                            since(90, "hostname", Formats.HOST_NAME)));

    static final Schema REBUILD =
            body(
                    "rebuild",
                    struct(
                            required("imageRef", Formats.ID),
                            optional("name", Formats.NAME),
                            optional("adminPass", ADMIN_PASSWORD),
                            optional("metadata", Formats.METADATA),
                            optional("preserve_ephemeral", Formats.BOOLEAN),
                            optional("OS-DCF:diskConfig", Formats.DISK_CONFIG),
                            optional("accessIPv4", Formats.ACCESS_IPV4),
                            optional("accessIPv6", Formats.ACCESS_IPV6),
                            until(56, "personality", PERSONALITY),
                            since(19, "description", Formats.DESCRIPTION),
                            since(54, "key_name", nullable(Formats.NAME)),
                            since(57, "user_data", nullable(Formats.BASE64)),
                            since(63, "trusted_image_certificates", CERTIFICATES),
                            since(90, "hostname", Formats.HOST_NAME)));

    static final Schema RESIZE =
            body(
                    "resize",
                    struct(
                            required("flavorRef", Formats.FLAVOR_REF),
                            optional("OS-DCF:diskConfig", Formats.DISK_CONFIG)));

    static final Schema RESCUE =
            body(
                    "rescue",
                    nullable(
                            struct(
                                    optional("adminPass", ADMIN_PASSWORD),
                                    optional("rescue_image_ref", Formats.ID))));

    static final Schema REBOOT =
            body(
                    "reboot",
                    struct(
                            required(
                                    "type",
                                    new Choice(
                                            List.of(
                                                    "HARD", "Hard", "hard", "SOFT", "Soft",
                                                    "soft")))));

    static Schema securityGroup(String action) {
        return body(action, struct(required("name", Formats.NAME)));
    }

    static final Schema ADD_FIXED_IP =
            body(
                    "addFixedIp",
                    struct(
                            required(
                                    "networkId",
                                    new Either(
                                            List.of(
                                                    new Text(1, 36, Formats.ANY),
                                                    new Schema.Decimal())))));

    static final Schema REMOVE_FIXED_IP =
            body("removeFixedIp", struct(required("address", Formats.IP)));

    static final Schema ATTACH_INTERFACE =
            struct(
                    optional(
                            "interfaceAttachment",
                            struct(
                                    optional("net_id", Formats.ID),
                                    optional("port_id", nullable(Formats.ID)),
                                    optional(
                                            "fixed_ips",
                                            new Items(
                                                    struct(required("ip_address", Formats.IP)),
                                                    1,
                                                    1,
                                                    false)),
                                    since(49, "tag", Formats.TAG))));

    /** Before 2.73 the value is ignored. */
    static final Schema LOCK =
            body(
                    "lock",
                    new ByVersion(
                            new Anything(),
                            73,
                            nullable(
                                    struct(
                                            optional(
                                                    "locked_reason",
                                                    new Text(1, 255, Formats.ANY))))));

    static final Schema CREATE_IMAGE =
            body(
                    "createImage",
                    struct(required("name", Formats.NAME), optional("metadata", Formats.METADATA)));

    static final Schema CREATE_BACKUP =
            body(
                    "createBackup",
                    struct(
                            required("name", Formats.NAME),
                            required("backup_type", SHORT),
                            required("rotation", new Schema.Whole(0, Integer.MAX_VALUE)),
                            optional("metadata", Formats.METADATA)));

    static final Schema CONSOLE_OUTPUT =
            body(
                    "os-getConsoleOutput",
                    struct(optional("length", nullable(new Schema.Whole(-1, Integer.MAX_VALUE)))));

    /** As in Nova, where each action names the types of its protocol. */
    static Schema console(String action) {
        List<String> types =
                switch (action) {
                    case "os-getVNCConsole" -> List.of("novnc", "xvpvnc");
                    case "os-getSPICEConsole" -> List.of("spice-html5");
                    case "os-getRDPConsole" -> List.of("rdp-html5");
                    case "os-getSerialConsole" -> List.of("serial");
                    default -> throw new IllegalArgumentException("no console action: " + action);
                };
        return body(action, struct(required("type", new Choice(types))));
    }

    static final Schema REMOTE_CONSOLE =
            new ByVersion(
                    remoteConsole(
                            List.of("vnc", "spice", "rdp", "serial"),
                            List.of("novnc", "xvpvnc", "rdp-html5", "spice-html5", "serial")),
                    8,
                    remoteConsole(
                            List.of("vnc", "spice", "rdp", "serial", "mks"),
                            List.of(
                                    "novnc",
                                    "xvpvnc",
                                    "rdp-html5",
                                    "spice-html5",
                                    "serial",
                                    "webmks")));

    private static Schema remoteConsole(List<String> protocols, List<String> types) {
        return body(
                "remote_console",
                struct(
                        required("protocol", new Choice(protocols)),
                        required("type", new Choice(types))));
    }

    static final Schema RESET_STATE =
            body(
                    "os-resetState",
                    struct(required("state", new Choice(List.of("active", "error")))));

    /** Start, stop and the like: the value is ignored, as in Nova. */
    static Schema plainAction(String name) {
        return body(name, new Anything());
    }

    static final Schema METADATA = body("metadata", Formats.METADATA);
    static final Schema META = body("meta", Formats.METADATA);
    static final Schema TAGS = body("tags", new Items(Formats.TAG, 0, MAX_TAGS, false));

    private static final Schema FLAVOR_DESCRIPTION =
            nullable(new Text(0, 65_535, Formats.matching("[^\\p{Cntrl}]*")));

    static final Schema CREATE_FLAVOR =
            body(
                    "flavor",
                    struct(
                            required("name", Formats.NAME),
                            optional(
                                    "id",
                                    new Either(
                                            List.of(
                                                    new Text(
                                                            1,
                                                            255,
                                                            Formats.matching(
                                                                    "(?! )[a-zA-Z0-9. _-]+(?<! )")),
                                                    new Schema.Whole(0, Long.MAX_VALUE),
                                                    new Null()))),
                            required("ram", Formats.POSITIVE),
                            required("vcpus", Formats.POSITIVE),
                            required("disk", Formats.NOT_NEGATIVE),
                            optional("OS-FLV-EXT-DATA:ephemeral", Formats.NOT_NEGATIVE),
                            optional("swap", Formats.NOT_NEGATIVE),
                            optional("rxtx_factor", Formats.DECIMAL),
                            optional("os-flavor-access:is_public", Formats.BOOLEAN),
                            since(55, "description", FLAVOR_DESCRIPTION)));

    static final Schema UPDATE_FLAVOR =
            body("flavor", struct(required("description", FLAVOR_DESCRIPTION)));

    private static final Schema EXTRA_SPEC_VALUES =
            new Dictionary(
                    Pattern.compile("[a-zA-Z0-9-_:. ]{1,255}"),
                    new Either(
                            List.of(
                                    new Text(0, 255, Formats.ANY),
                                    new Schema.Whole(Long.MIN_VALUE, Long.MAX_VALUE))));

    static final Schema EXTRA_SPECS = body("extra_specs", EXTRA_SPEC_VALUES);
    static final Schema EXTRA_SPEC = EXTRA_SPEC_VALUES;

    static final Schema ADD_ACCESS =
            body("addTenantAccess", struct(required("tenant", Formats.TEXT)));
    static final Schema REMOVE_ACCESS =
            body("removeTenantAccess", struct(required("tenant", Formats.TEXT)));

    static final Schema CREATE_KEYPAIR =
            body(
                    "keypair",
                    struct(
                            required("name", Formats.KEYPAIR_NAME),
                            optional("public_key", Formats.TEXT),
                            since(2, "type", new Choice(List.of("ssh", "x509"))),
                            since(10, "user_id", Formats.TEXT)));

    private static final Schema HARD_POLICY = new Choice(List.of("anti-affinity", "affinity"));
    private static final Schema POLICY =
            new Choice(List.of("anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity"));

    static final Schema CREATE_SERVER_GROUP =
            body(
                    "server_group",
                    struct(
                            required("name", Formats.NAME),
                            new Property(
                                    "policies",
                                    new Items(new ByVersion(HARD_POLICY, 15, POLICY), 1, 1, true),
                                    true,
                                    1,
                                    63),
                            new Property("policy", POLICY, true, 64, FOREVER),
                            since(
                                    64,
                                    "rules",
                                    struct(optional("max_server_per_host", Formats.POSITIVE)))));

    static final Schema UPDATE_SERVICE =
            struct(
                    since(53, "status", new Choice(List.of("enabled", "disabled"))),
                    since(53, "disabled_reason", new Text(1, 255, Formats.ANY)),
                    since(53, "forced_down", Formats.BOOLEAN));

    static final Schema SERVICE_SWITCH =
            struct(
                    required("host", Formats.HOST),
                    required("binary", Formats.NAME),
                    optional("disabled_reason", new Text(1, 255, Formats.ANY)));

    static final Schema ATTACH_VOLUME =
            body(
                    "volumeAttachment",
                    struct(
                            required("volumeId", Formats.ID),
                            optional("device", nullable(Formats.TEXT)),
                            since(49, "tag", Formats.TAG),
                            since(79, "delete_on_termination", Formats.BOOLEAN)));

    static final Schema UPDATE_ATTACHMENT =
            body(
                    "volumeAttachment",
                    struct(
                            required("volumeId", Formats.ID),
                            since(85, "id", Formats.ID),
                            since(85, "serverId", Formats.ID),
                            since(85, "device", nullable(Formats.TEXT)),
                            since(85, "tag", nullable(Formats.TAG)),
                            since(85, "delete_on_termination", Formats.BOOLEAN)));

    static Schema quotaSet(List<Property> resources) {
        return body("quota_set", new Struct(resources, false));
    }

    /**
     * The body of a request.
     *
     * @throws ApiException 400 in Nova's words when it is not as described
     */
    static JsonNode read(Request request, Schema schema) {
        return schema.read(request);
    }

    /** The same for a body that is parsed already. */
    static JsonNode checked(JsonNode body, Schema schema, int minor) {
        return schema.checked(body, minor);
    }
}
