package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.compute.Scheduler.Candidate;
import dev.iod.compute.Scheduler.GroupRule;
import dev.iod.compute.Scheduler.NoNode;
import dev.iod.compute.Scheduler.Placed;
import dev.iod.compute.Scheduler.Request;
import dev.iod.region.Inventory;
import dev.iod.region.Provider;
import dev.iod.region.ResourceClass;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class SchedulerTest {
    private static Candidate node(String name, int vcpus, long memoryMib) {
        return node(name, true, true, vcpus, memoryMib, 0, 0);
    }

    /** Negative disk: that much more is taken than there is. */
    private static Candidate node(
            String name,
            boolean up,
            boolean enabled,
            int vcpus,
            long memoryMib,
            long diskMib,
            int members) {
        Map<ResourceClass, Inventory> inventories = new EnumMap<>(ResourceClass.class);
        inventory(inventories, ResourceClass.VCPU, vcpus);
        inventory(inventories, ResourceClass.MEMORY_MB, memoryMib);
        inventory(inventories, ResourceClass.DISK_MB, Math.max(diskMib, 0));
        return new Candidate(
                new Provider(
                        UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)),
                        1,
                        name,
                        0,
                        up,
                        inventories,
                        Map.of(ResourceClass.DISK_MB, Math.max(0, -diskMib))),
                enabled,
                members);
    }

    private static void inventory(
            Map<ResourceClass, Inventory> inventories, ResourceClass kind, long total) {
        if (total > 0) {
            inventories.put(kind, new Inventory(total, 0, 1, total, 1, 1));
        }
    }

    private static Map<ResourceClass, Long> amounts(long vcpus, long memoryMib, long diskMib) {
        return Map.of(
                ResourceClass.VCPU,
                vcpus,
                ResourceClass.MEMORY_MB,
                memoryMib,
                ResourceClass.DISK_MB,
                diskMib);
    }

    private static Request request(int count, int vcpus, long memoryMib) {
        return new Request(
                count,
                amounts(vcpus, memoryMib, 0),
                Optional.empty(),
                0,
                Optional.empty(),
                Optional.empty());
    }

    private static Request withDisk(int count, long diskMib) {
        return new Request(
                count,
                amounts(1, 100, diskMib),
                Optional.empty(),
                0,
                Optional.empty(),
                Optional.empty());
    }

    private static Request grouped(int count, GroupPolicy policy, int maxPerNode) {
        return new Request(
                count,
                amounts(1, 100, 0),
                Optional.empty(),
                0,
                Optional.empty(),
                Optional.of(new GroupRule(policy, maxPerNode)));
    }

    @Test
    void spreadsOverEqualNodes() {
        List<Candidate> nodes = List.of(node("n1", 8, 1000), node("n2", 8, 1000));
        assertThat(Scheduler.place(nodes, request(4, 1, 100)))
                .isEqualTo(new Placed(List.of("n1", "n2", "n1", "n2")));
    }

    @Test
    void takesTheNodeWithTheMostFreeMemory() {
        List<Candidate> nodes = List.of(node("n1", 99, 400), node("n2", 1, 500));
        assertThat(Scheduler.place(nodes, request(1, 1, 100))).isEqualTo(new Placed(List.of("n2")));
    }

    @Test
    void placesDisksOnlyWhereTheyFit() {
        List<Candidate> nodes =
                List.of(
                        node("n1", true, true, 8, 1000, 2048, 0),
                        node("n2", true, true, 8, 2000, 1023, 0));
        assertThat(Scheduler.place(nodes, withDisk(2, 1024)))
                .isEqualTo(new Placed(List.of("n1", "n1")));
        assertThat(Scheduler.place(nodes, withDisk(3, 1024)))
                .isEqualTo(
                        new NoNode(
                                "There are not enough hosts available. (of 2: 2 short of disk)",
                                false));
        // Its pool became smaller than what was claimed of it.
        List<Candidate> less = List.of(node("n1", true, true, 8, 1000, -5, 0));
        assertThat(Scheduler.place(less, withDisk(1, 0))).isInstanceOf(Placed.class);
        assertThat(Scheduler.place(less, withDisk(1, 1))).isInstanceOf(NoNode.class);
    }

    @Test
    void placesAllOrNone() {
        List<Candidate> nodes = List.of(node("n1", 8, 250), node("n2", 8, 150));
        assertThat(Scheduler.place(nodes, request(3, 1, 100))).isInstanceOf(Placed.class);
        assertThat(Scheduler.place(nodes, request(4, 1, 100))).isInstanceOf(NoNode.class);
    }

    @Test
    void saysWhyThereIsNoNode() {
        List<Candidate> nodes =
                List.of(
                        node("n1", false, true, 8, 1000, 0, 0),
                        node("n2", true, false, 8, 1000, 0, 0),
                        node("n3", 0, 1000),
                        node("n4", 8, 50));
        assertThat(Scheduler.place(nodes, request(1, 1, 100)))
                .isEqualTo(
                        new NoNode(
                                "There are not enough hosts available. (of 4: 1 down, 1 disabled,"
                                        + " 1 short of vCPUs, 1 short of memory)",
                                true));
        assertThat(Scheduler.place(List.of(), request(1, 1, 100)))
                .isEqualTo(new NoNode("The region has no nodes.", false));
    }

    @Test
    void antiAffinityKeepsMembersApart() {
        List<Candidate> nodes = List.of(node("n1", 8, 9000), node("n2", 8, 1000));
        assertThat(Scheduler.place(nodes, grouped(2, GroupPolicy.ANTI_AFFINITY, 1)))
                .isEqualTo(new Placed(List.of("n1", "n2")));
        assertThat(Scheduler.place(nodes, grouped(3, GroupPolicy.ANTI_AFFINITY, 1)))
                .isInstanceOf(NoNode.class);
        assertThat(Scheduler.place(nodes, grouped(4, GroupPolicy.ANTI_AFFINITY, 2)))
                .isInstanceOf(Placed.class);
    }

    @Test
    void affinityKeepsMembersTogether() {
        List<Candidate> nodes = List.of(node("n1", 8, 9000), node("n2", true, true, 8, 1000, 0, 1));
        assertThat(Scheduler.place(nodes, grouped(2, GroupPolicy.AFFINITY, 1)))
                .isEqualTo(new Placed(List.of("n2", "n2")));
        List<Candidate> empty = List.of(node("n1", 8, 1000), node("n2", 8, 1000));
        assertThat(Scheduler.place(empty, grouped(3, GroupPolicy.AFFINITY, 1)))
                .isEqualTo(new Placed(List.of("n1", "n1", "n1")));
    }

    @Test
    void softPoliciesPreferAndGiveIn() {
        List<Candidate> nodes = List.of(node("n1", 8, 9000), node("n2", 8, 1000));
        assertThat(Scheduler.place(nodes, grouped(3, GroupPolicy.SOFT_ANTI_AFFINITY, 1)))
                .isEqualTo(new Placed(List.of("n1", "n2", "n1")));
        List<Candidate> tight = List.of(node("n1", 1, 1000), node("n2", 8, 900));
        assertThat(Scheduler.place(tight, grouped(2, GroupPolicy.SOFT_AFFINITY, 1)))
                .isEqualTo(new Placed(List.of("n1", "n2")));
    }

    @Test
    void aNamedNodeIsTheOnlyOne() {
        List<Candidate> nodes = List.of(node("n1", 8, 9000), node("n2", 8, 1000));
        Request named =
                new Request(
                        1,
                        amounts(1, 100, 0),
                        Optional.of("n2"),
                        0,
                        Optional.empty(),
                        Optional.empty());
        assertThat(Scheduler.place(nodes, named)).isEqualTo(new Placed(List.of("n2")));
        Request unknown =
                new Request(
                        1,
                        amounts(1, 100, 0),
                        Optional.of("n9"),
                        0,
                        Optional.empty(),
                        Optional.empty());
        assertThat(Scheduler.place(nodes, unknown)).isInstanceOf(NoNode.class);
    }

    @Test
    void aServerGoesWhereItsVolumesAre() {
        List<Candidate> nodes = List.of(node("n1", 8, 9000), node("n2", 8, 1000));
        Map<ResourceClass, Long> little = amounts(1, 100, 0);
        assertThat(
                        Scheduler.place(
                                nodes,
                                new Request(
                                        1,
                                        little,
                                        Optional.empty(),
                                        0,
                                        Optional.of(Set.of("n2")),
                                        Optional.empty())))
                .isEqualTo(new Placed(List.of("n2")));
        assertThat(
                        Scheduler.place(
                                nodes,
                                new Request(
                                        1,
                                        little,
                                        Optional.empty(),
                                        0,
                                        Optional.of(Set.of()),
                                        Optional.empty())))
                .isEqualTo(
                        new NoNode(
                                "There are not enough hosts available. (of 2: 2 without all of"
                                        + " the server's volumes)",
                                false));
    }

    @Test
    void neverOvercommits() {
        long seed = 20_261_122;
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 500; round++) {
            List<Candidate> nodes = new ArrayList<>();
            for (int i = 0; i < random.nextInt(1, 6); i++) {
                nodes.add(node("n" + i, random.nextInt(0, 10), random.nextLong(0, 1000)));
            }
            Request request =
                    request(random.nextInt(1, 8), random.nextInt(1, 4), random.nextLong(1, 300));
            if (Scheduler.place(nodes, request) instanceof Placed(List<String> placed)) {
                assertThat(placed).as("seed %d round %d", seed, round).hasSize(request.count());
                for (Candidate node : nodes) {
                    long servers = placed.stream().filter(node.provider().name()::equals).count();
                    request.amounts()
                            .forEach(
                                    (kind, amount) ->
                                            assertThat(servers * amount)
                                                    .isLessThanOrEqualTo(
                                                            node.provider().free(kind)));
                }
            }
        }
    }
}
