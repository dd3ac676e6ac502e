package dev.iod.system;

import java.util.List;

/**
 * A network with guests that talk all the time, through a security group: one serves a TCP stream,
 * others read it and ping. Its parts are named after it and deleted by the tenant.
 */
final class KillNetwork {
    /** For a guest that is not on the other ones' node. */
    static final String APART = "--hint group=GROUP";

    private static final int SERVING = 10;

    private final Tenant tenant;
    private final Region region;
    private final String name;
    private final String prefix;
    private final String group;

    /**
     * @param prefix of its addresses, for example "10.85.1"
     */
    KillNetwork(Tenant tenant, Region region, String name, String prefix) {
        this.tenant = tenant;
        this.region = region;
        this.name = name;
        this.prefix = prefix;
        tenant.network(name, prefix + ".0/24");
        tenant.securityGroup(name, "--protocol icmp", "--protocol tcp --dst-port 5001");
        tenant.make(
                "server group create --policy anti-affinity " + name,
                "server group delete " + name);
        group = tenant.client.json("server group show " + name).at("/id").stringValue();
    }

    /** Begins to boot the guest that serves. */
    KillGuest serving() {
        return guest(SERVING, KillGuest.serving(), APART);
    }

    /** Begins to boot a guest that pings and reads the stream. */
    KillGuest asking(int host, int pingMillis, String options) {
        return guest(host, KillGuest.asking(prefix + "." + SERVING, pingMillis), options);
    }

    private KillGuest guest(int host, String script, String options) {
        String server = name + "-" + host;
        tenant.make(
                String.join(
                        " ",
                        List.of(
                                "port create --network",
                                name,
                                "--security-group",
                                name,
                                "--fixed-ip",
                                "ip-address=" + prefix + "." + host,
                                server)),
                "port delete " + server);
        tenant.make(
                String.join(
                        " ",
                        List.of(
                                "server create --image iod-micro --flavor m1.micro --port",
                                server,
                                "--user-data",
                                tenant.file(server, script).toString(),
                                options.replace("GROUP", group),
                                server)),
                "server delete --wait " + server);
        return new KillGuest(
                region,
                server,
                tenant.client.json("server show " + server).at("/id").stringValue());
    }
}
