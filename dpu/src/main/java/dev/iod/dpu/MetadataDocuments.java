package dev.iod.dpu;

import dev.iod.dpu.MetadataTree.Directory;
import dev.iod.dpu.MetadataTree.Leaf;
import dev.iod.node.FixedAddress;
import dev.iod.node.Metadata;
import dev.iod.node.Nic;
import dev.iod.node.PublicKey;
import dev.iod.node.Server;
import java.io.ByteArrayOutputStream;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * A server's metadata under OpenStack's paths ({@code /openstack/VERSION/...}) and EC2's ({@code
 * /VERSION/meta-data/...}), with the names and the versions OpenStack Compute gives them.
 */
final class MetadataDocuments {
    private static final JsonFactory JSON = new JsonFactory();
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int SEED_BYTES = 512;
    private static final String LATEST = "latest";
    private static final List<String> EC2_VERSIONS =
            List.of(
                    "1.0",
                    "2007-01-19",
                    "2007-03-01",
                    "2007-08-29",
                    "2007-10-10",
                    "2007-12-15",
                    "2008-02-01",
                    "2008-09-01",
                    "2009-04-04",
                    LATEST);
    private static final List<String> OPENSTACK_VERSIONS =
            List.of(
                    "2012-08-10",
                    "2013-04-04",
                    "2013-10-17",
                    "2015-10-15",
                    "2016-06-30",
                    "2016-10-06",
                    "2017-02-22",
                    "2018-08-27",
                    "2020-10-14",
                    LATEST);

    private MetadataDocuments() {}

    /**
     * Everything one server can read.
     *
     * @param own the interface it asks through
     */
    static MetadataTree of(Server server, Nic own) {
        Directory root = Directory.empty();
        Directory ec2 = ec2(server, own);
        for (String version : EC2_VERSIONS) {
            // Listed without a slash, as OpenStack does.
            root.with(version, version, ec2);
        }
        return root.with("openstack", "", openstack(server));
    }

    private static Directory openstack(Server server) {
        Directory versions = Directory.empty();
        for (String version : OPENSTACK_VERSIONS) {
            Directory files = Directory.empty();
            files.with("meta_data.json", Leaf.json(metaData(server, version)));
            userData(server).ifPresent(data -> files.with("user_data", Leaf.bytes(data)));
            if (since(version, "2013-10-17")) {
                files.with("vendor_data.json", Leaf.json(object(json -> vendorData(server, json))));
            }
            if (since(version, "2015-10-15")) {
                files.with("network_data.json", Leaf.json(NetworkData.of(server)));
            }
            if (since(version, "2016-10-06")) {
                files.with("vendor_data2.json", Leaf.json(object(json -> {})));
            }
            versions.with(version, version, files);
        }
        return versions;
    }

    private static boolean since(String version, String first) {
        return version.equals(LATEST) || version.compareTo(first) >= 0;
    }

    private static byte[] metaData(Server server, String version) {
        Metadata metadata = server.getMetadata();
        return object(
                json -> {
                    json.writeStringProperty("uuid", server.getId());
                    json.writeStringProperty("name", server.getName());
                    json.writeStringProperty("hostname", server.getHostName());
                    json.writeStringProperty("availability_zone", metadata.getAvailabilityZone());
                    json.writeNumberProperty("launch_index", metadata.getLaunchIndex());
                    json.writeName("meta").writeStartObject();
                    metadata.getPropertiesMap().forEach(json::writeStringProperty);
                    json.writeEndObject();
                    json.writeName("public_keys").writeStartObject();
                    for (PublicKey key : metadata.getKeysList()) {
                        json.writeStringProperty(key.getName(), key.getOpenssh());
                    }
                    json.writeEndObject();
                    json.writeName("keys").writeStartArray();
                    for (PublicKey key : metadata.getKeysList()) {
                        json.writeStartObject();
                        json.writeStringProperty("name", key.getName());
                        json.writeStringProperty("type", "ssh");
                        json.writeStringProperty("data", key.getOpenssh());
                        json.writeEndObject();
                    }
                    json.writeEndArray();
                    if (since(version, "2013-04-04")) {
                        json.writeStringProperty("random_seed", seed());
                    }
                    if (since(version, "2015-10-15")) {
                        json.writeStringProperty("project_id", metadata.getProjectId());
                    }
                    if (since(version, "2016-06-30")) {
                        json.writeName("devices").writeStartArray().writeEndArray();
                    }
                });
    }

    /**
     * What cloud-init does unless the user's data say otherwise: sets the default user's password.
     */
    private static void vendorData(Server server, JsonGenerator json) {
        String hash = server.getMetadata().getPasswordHash();
        if (!hash.isEmpty()) {
            json.writeStringProperty(
                    "cloud-init",
                    """
                    #cloud-config
                    password: '%s'
                    chpasswd: {expire: false}
                    """
                            .formatted(hash));
        }
    }

    private static Directory ec2(Server server, Nic own) {
        Metadata metadata = server.getMetadata();
        String host = server.getHostName();
        Directory data = Directory.empty();
        data.with("ami-id", text("ami-" + shortId(metadata.getImageId())));
        data.with("ami-launch-index", text(String.valueOf(metadata.getLaunchIndex())));
        data.with("ami-manifest-path", text("none"));
        data.with("hostname", text(host));
        data.with("instance-action", text("none"));
        data.with("instance-id", text("i-" + shortId(server.getId())));
        data.with("instance-type", text(metadata.getFlavor()));
        data.with("local-hostname", text(host));
        data.with("local-ipv4", text(ipv4(own)));
        String zone = metadata.getAvailabilityZone();
        data.with("placement", Directory.empty().with("availability-zone", text(zone)));
        data.with("public-hostname", text(host));
        data.with("public-ipv4", text(""));
        if (metadata.getKeysCount() > 0) {
            data.with("public-keys", publicKeys(metadata.getKeysList()));
        }
        data.with("reservation-id", text(metadata.getReservationId()));
        data.with("security-groups", text(String.join("\n", metadata.getSecurityGroupsList())));
        Directory version = Directory.empty().with("meta-data", data);
        userData(server).ifPresent(bytes -> version.with("user-data", Leaf.bytes(bytes)));
        return version;
    }

    private static Directory publicKeys(List<PublicKey> keys) {
        Directory directory = Directory.empty();
        for (int i = 0; i < keys.size(); i++) {
            PublicKey key = keys.get(i);
            directory.with(
                    String.valueOf(i),
                    i + "=" + key.getName(),
                    Directory.empty().with("openssh-key", text(key.getOpenssh())));
        }
        return directory;
    }

    private static Leaf text(String text) {
        return Leaf.text(text);
    }

    private static Optional<byte[]> userData(Server server) {
        String encoded = server.getMetadata().getUserData();
        return encoded.isEmpty()
                ? Optional.empty()
                : Optional.of(Base64.getMimeDecoder().decode(encoded));
    }

    private static String ipv4(Nic nic) {
        return nic.getAddressesList().stream()
                .map(FixedAddress::getAddress)
                .filter(address -> !isIpv6(address))
                .findFirst()
                .orElse("");
    }

    static boolean isIpv6(String address) {
        return address.contains(":");
    }

    private static String shortId(String uuid) {
        String digits = uuid.replace("-", "");
        return digits.substring(0, Math.min(8, digits.length()));
    }

    private static String seed() {
        byte[] seed = new byte[SEED_BYTES];
        RANDOM.nextBytes(seed);
        return Base64.getEncoder().encodeToString(seed);
    }

    interface Body {
        void write(JsonGenerator json);
    }

    static byte[] object(Body body) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(1024);
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), out)) {
            json.writeStartObject();
            body.write(json);
            json.writeEndObject();
        }
        return out.toByteArray();
    }
}
