package dev.iod.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Resources that a test makes through the real client, and deletes in reverse order at its end. */
final class Tenant implements AutoCloseable {
    private static final int BOOT_SECONDS = 180;

    final Client client;
    private final List<String> deletes = new ArrayList<>();
    private final Path directory;

    Tenant(Region region, String cloud) {
        client = region.client(cloud);
        try {
            directory = Files.createTempDirectory("iod-tenant");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A network with one subnet. */
    void network(String name, String cidr) {
        make("network create " + name, "network delete " + name);
        make(
                "subnet create " + name + " --network " + name + " --subnet-range " + cidr,
                "subnet delete " + name);
    }

    void router(String name, String... subnets) {
        make("router create " + name, "router delete " + name);
        for (String subnet : subnets) {
            make(
                    "router add subnet " + name + " " + subnet,
                    "router remove subnet " + name + " " + subnet);
        }
    }

    /**
     * A security group with ingress rules as the client's options, for example "--protocol icmp".
     */
    void securityGroup(String name, String... rules) {
        make("security group create " + name, "security group delete " + name);
        for (String rule : rules) {
            client.json("security group rule create " + rule + " " + name);
        }
    }

    JsonNode port(String name, String network, String group) {
        make(
                "port create --network " + network + " --security-group " + group + " " + name,
                "port delete " + name);
        return client.json("port show " + name);
    }

    /** A file for a command to read, gone with the tenant. */
    Path file(String name, String text) {
        try {
            return Files.writeString(directory.resolve(name), text);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A key pair; returns the private key's file. */
    Path keypair(String name) {
        Path key = directory.resolve(name);
        make("keypair create --private-key " + key + " " + name, "keypair delete " + name);
        try {
            Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException e) {
            throw new AssertionError("the client wrote no private key", e);
        }
        return key;
    }

    /** A server that is ACTIVE and has told its address; options as the client's. */
    JsonNode server(String name, String options) {
        make(
                "server create --image iod-micro --flavor m1.micro " + options + " " + name,
                "server delete --wait " + name);
        Wait.until(
                name + " is ACTIVE",
                BOOT_SECONDS,
                () -> {
                    JsonNode server = client.json("server show " + name);
                    if (server.at("/status").asString().equals("ERROR")) {
                        throw new AssertionError(name + " is in ERROR: " + server);
                    }
                    return server.at("/status").asString().equals("ACTIVE");
                });
        Wait.until(
                name + " has an address",
                BOOT_SECONDS,
                () -> console(name).contains("iod-micro: address"));
        return client.json("server show " + name);
    }

    String console(String server) {
        return client.text("console log show " + server);
    }

    void make(String create, String delete) {
        String answer = client.text(create);
        if (answer.contains("HTTP 4")
                || answer.contains("HTTP 5")
                || answer.contains("HttpException")) {
            throw new AssertionError(create + " answered: " + answer);
        }
        deletes.addFirst(delete);
    }

    static String address(JsonNode port) {
        return port.at("/fixed_ips").get(0).at("/ip_address").stringValue();
    }

    @Override
    public void close() {
        for (String delete : deletes) {
            client.text(delete);
        }
        client.close();
        Command.run("rm", "-rf", directory.toString());
    }
}
