package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.pipeline.Action;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Field;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Every flow that a real northd makes of the topology compiles, but for a list of names. */
@Timeout(60)
class NorthdFlowsTest {
    /**
     * In every topology, and not of this chassis: load balancers and their health checks, DHCPv6
     * prefix delegation.
     */
    private static final Set<String> NOT_YET =
            Set.of("ct_lb", "ct_lb_mark", "handle_svc_check", "handle_dhcpv6_reply");

    private static final String NO_FLOW = "no flow: ip.ttl is nominal";

    @TempDir Path directory;

    private record Outcome(MemoryEngine engine, Chassis.Status status) {}

    private Outcome compile(boolean withOldChassis) throws Exception {
        var engine = new MemoryEngine();
        try (OvnCentral central = new OvnCentral(directory)) {
            if (withOldChassis) {
                // northd writes for the least able chassis: one without features.
                central.sb("chassis-add", "old", "geneve", "192.168.60.9");
            }
            Topology.create(central);
            String nominal = "outport == @pg_sg1 && ip.ttl != 3";
            central.nb("acl-add", "pg_sg1", "to-lport", "1600", nominal, "drop");
            var config =
                    new Chassis.Config(
                            "n1",
                            "n1",
                            "192.168.60.1",
                            List.of(central.southbound()),
                            Optional.empty(),
                            directory.resolve("zones"),
                            false);
            try (Chassis chassis = Chassis.open(config, engine, new Silent())) {
                chassis.plug(
                        "vm1",
                        new Entity.Device(1, "d", new Entity.Kind.VhostUser("/nowhere", 1), 1442));
                chassis.portsKnown();
                Waiting.until(() -> chassis.port("vm1").orElseThrow().ready());
                // Not --wait=hv: the old chassis never answers.
                central.nb("--wait=sb", "sync");
                int flows =
                        (int)
                                central.sb("--bare", "--columns=_uuid", "list", "Logical_Flow")
                                        .lines()
                                        .filter(l -> !l.isBlank())
                                        .count();
                Waiting.until(() -> chassis.status().flows() == flows);
                return new Outcome(engine, chassis.status());
            }
        }
    }

    private static final class Silent implements Chassis.Listener {
        @Override
        public void portReady(String port, boolean ready) {}

        @Override
        public void services(Set<LocalService> services) {}
    }

    private static void onlyKnownRefusals(Chassis.Status status) {
        assertThat(status.refusedCount()).isLessThan(Chassis.REFUSED_LIMIT);
        Map<String, Long> reasons =
                status.refused().stream()
                        .collect(
                                Collectors.groupingBy(
                                        Chassis.Refused::reason, Collectors.counting()));
        var unknown = new TreeSet<>(reasons.keySet());
        unknown.removeIf(reason -> reason.startsWith(NO_FLOW));
        assertThat(unknown).isSubsetOf(NOT_YET);
        assertThat(status.flows()).isGreaterThan(300);
    }

    @Test
    void withTheFeaturesOfThisChassis() throws Exception {
        Outcome outcome = compile(false);
        onlyKnownRefusals(outcome.status());
        assertThat(commits(outcome)).extracting(s -> s.target().field()).contains(Field.CT_MARK);
        assertThat(
                        outcome.engine()
                                .rules()
                                .flatMap(rule -> rule.actions().stream())
                                .map(Action::getClass)
                                .collect(Collectors.toSet()))
                .contains(
                        Action.DhcpReply.class,
                        Action.Craft.class,
                        Action.PortSecurityIn.class,
                        Action.PortSecurityOut.class,
                        Action.NeighborGet.class,
                        Action.NeighborPut.class,
                        Action.NeighborCheck.class,
                        Action.CheckLarger.class,
                        Action.DecrementTtl.class,
                        Action.ConntrackNext.class,
                        Action.ConntrackCommit.class);
    }

    /** As a stock chassis does, and unlike a flow that is only too much for this one. */
    @Test
    void whatIsNotOvnsLanguageMakesNoRule() throws Exception {
        Outcome outcome = compile(false);
        List<String> none =
                outcome.status().refused().stream()
                        .filter(refused -> refused.reason().startsWith(NO_FLOW))
                        .map(Chassis.Refused::flow)
                        .toList();
        assertThat(none).isNotEmpty();
        assertThat(outcome.engine().rules().map(Entity.Rule::cookie))
                .doesNotContainAnyElementsOf(none);
    }

    @Test
    void withoutFeatures() throws Exception {
        Outcome outcome = compile(true);
        onlyKnownRefusals(outcome.status());
        assertThat(commits(outcome)).extracting(s -> s.target().field()).contains(Field.CT_LABEL);
    }

    private static List<Action.Set> commits(Outcome outcome) {
        return outcome.engine()
                .rules()
                .flatMap(rule -> rule.actions().stream())
                .filter(Action.ConntrackCommit.class::isInstance)
                .flatMap(action -> ((Action.ConntrackCommit) action).assignments().stream())
                .filter(Action.Set.class::isInstance)
                .map(Action.Set.class::cast)
                .toList();
    }
}
