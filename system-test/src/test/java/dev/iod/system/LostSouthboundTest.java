package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * OVN's southbound database and northd are away for a while, then the database comes back as it
 * was, then empty, as after the loss of its file. Pings and a TCP stream between two nodes, through
 * security groups, go on; what was made meanwhile works afterwards.
 */
@ExtendWith(Region.Shared.class)
final class LostSouthboundTest {
    private static final int OUTAGE_SECONDS = Boolean.getBoolean("iod.full") ? 60 : 20;
    private static final int PING_MILLIS = 50;
    private static final int RESUME_SECONDS = 120;

    private static final List<String> CENTRAL = List.of("ovn-northd", "ovn-sb");

    @Test
    void trafficGoesOnAndWhatIsLostIsMadeGood(Region region) throws IOException {
        try (Tenant tenant = new Tenant(region, "iod")) {
            // Made first and gone later, so that northd would count anew without it.
            tenant.network("older", "10.85.3.0/24");
            var network = new KillNetwork(tenant, region, "south", "10.85.2");
            KillGuest serving = network.serving();
            KillGuest asking = network.asking(11, PING_MILLIS, KillNetwork.APART);
            for (KillGuest guest : List.of(serving, asking)) {
                Wait.until(guest.name + " has an address", 180, guest::hasAddress);
            }
            Wait.until("traffic flows", 180, () -> asking.progress().lines() > 500);

            tenant.client.text("network delete older");
            assertThat(tenant.client.text("network list")).doesNotContain("older");
            KillGuest late = awayForAWhile(region, tenant, network, asking);
            assertThat(late.boots()).isOne();
            for (KillGuest guest : List.of(asking, late)) {
                guest.requireWhole("before the database's file is lost");
            }
            fileLost(region, tenant, List.of(serving, asking, late));
            assertThat(serving.boots()).isOne();
            assertThat(asking.boots()).isOne();
        }
    }

    private static KillGuest awayForAWhile(
            Region region, Tenant tenant, KillNetwork network, KillGuest asking) {
        CENTRAL.forEach(process -> region.supervise("stop", process));
        KillGuest.Progress before = asking.progress();
        // An agent that starts meanwhile knows no rules and leaves its engine those it has.
        region.supervise("restart", "n1-dpu");
        KillGuest late = network.asking(12, PING_MILLIS, "");
        Wait.until(
                () ->
                        "traffic goes on without the database: was %s, is %s"
                                .formatted(before, asking.progress()),
                OUTAGE_SECONDS + RESUME_SECONDS,
                () -> moved(asking, before, OUTAGE_SECONDS));
        assertThat(tenant.client.json("server show " + late.name).at("/status").asString())
                .as("a server whose port is not connected yet")
                .isEqualTo("BUILD");
        assertThat(tenant.client.json("port show " + late.name).at("/status").asString())
                .isEqualTo("DOWN");
        asking.requireNoneLost(before, "in the outage");

        region.iod("up");
        Wait.until(
                () -> "the server made meanwhile pings and reads: " + late.progress(),
                RESUME_SECONDS,
                () -> late.progress().sequence() > 20 && late.progress().lines() > 0);
        Wait.until(
                late.name + " is ACTIVE",
                RESUME_SECONDS,
                () ->
                        tenant.client
                                .json("server show " + late.name)
                                .at("/status")
                                .asString()
                                .equals("ACTIVE"));
        asking.requireNoneLost(before, "until now");
        return late;
    }

    private static void fileLost(Region region, Tenant tenant, List<KillGuest> guests)
            throws IOException {
        String keys = tunnelKeys(region);
        CENTRAL.forEach(process -> region.supervise("stop", process));
        Files.delete(region.run.resolve("ovn/sb.db"));
        List<KillGuest> asking = guests.subList(1, guests.size());
        List<KillGuest.Progress> before = asking.stream().map(KillGuest::progress).toList();
        region.iod("up");
        List<String> ports =
                guests.stream()
                        .map(guest -> tenant.client.json("port show " + guest.name))
                        .map(port -> port.at("/id").stringValue())
                        .toList();
        Wait.until(
                "the nodes registered and bound their ports again",
                RESUME_SECONDS,
                () -> bound(region).containsAll(ports));
        assertThat(tunnelKeys(region)).as("keys in packets between nodes").isEqualTo(keys);
        List<KillGuest.Progress> after = asking.stream().map(KillGuest::progress).toList();
        for (int i = 0; i < asking.size(); i++) {
            KillGuest guest = asking.get(i);
            KillGuest.Progress then = after.get(i);
            Wait.until(
                    () ->
                            "%s goes on with a rebuilt database: was %s, is %s%n%s"
                                    .formatted(
                                            guest.name,
                                            then,
                                            guest.progress(),
                                            region.iod("drops")),
                    RESUME_SECONDS,
                    () -> moved(guest, then, 3));
            guest.requireWhole("with a rebuilt database");
            guest.requireNoneLost(before.get(i), "while the database was away and rebuilt");
            System.out.println(
                    guest.name
                            + ": file lost and rebuilt: none of "
                            + (guest.progress().sequence() - before.get(i).sequence())
                            + " pings lost, longest gap "
                            + guest.longestGapMillis(before.get(i).sequence())
                            + " ms");
        }
    }

    /** Logical ports that some chassis has, whose flows are live there. */
    private static List<String> bound(Region region) {
        return region.sbctl(
                        "--bare",
                        "--columns=logical_port",
                        "find",
                        "Port_Binding",
                        "chassis!=[]",
                        "up=true")
                .lines()
                .toList();
    }

    /** The numbers by which packets name networks, routers and ports. */
    private static String tunnelKeys(Region region) {
        var rows = new TreeSet<String>();
        for (String listed :
                List.of(
                        "external_ids,tunnel_key list Datapath_Binding",
                        "logical_port,tunnel_key list Port_Binding")) {
            String[] words = ("--format=csv --no-heading --columns=" + listed).split(" ");
            rows.addAll(region.sbctl(words).lines().toList());
        }
        return String.join("\n", rows);
    }

    /** Whether pings were answered for so long, and the stream went on. */
    private static boolean moved(KillGuest guest, KillGuest.Progress since, int seconds) {
        guest.requireWhole("the database is away");
        KillGuest.Progress now = guest.progress();
        return now.sequence() - since.sequence() > seconds * 1000 / PING_MILLIS
                && now.lines() > since.lines() + 300;
    }
}
