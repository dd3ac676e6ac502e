package dev.iod.dpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.iod.node.ConsoleInput;
import dev.iod.node.Goal;
import dev.iod.node.Hello;
import dev.iod.node.NodeMessage.MessageCase;
import dev.iod.node.Observed;
import dev.iod.node.RegionLink;
import dev.iod.runtime.Backoff;
import dev.iod.runtime.Metrics;
import dev.iod.runtime.Pem;
import dev.iod.runtime.TlsIdentity;
import io.grpc.Status;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Joining and the session, against a region over the real transport. */
class RegionSessionTest {
    @TempDir Path directory;
    private final FakeRegion region = new FakeRegion();
    private final FakeNode node = new FakeNode();
    private final BlockingQueue<Goal> goals = new LinkedBlockingQueue<>();
    private final Observations observations = new Observations();

    @BeforeEach
    void trust() throws IOException {
        Pem.write(directory.resolve("ca.crt"), List.of(region.authority.certificate()));
        Files.writeString(directory.resolve("token"), "once\n");
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private Enrolment enrolment() {
        return new Enrolment(
                "n1", region.address(), directory, Optional.of(directory.resolve("token")));
    }

    private RegionLink link(TlsIdentity identity) {
        return RegionLink.dial(
                region.address(),
                Optional.of(identity.keyManager()),
                TlsIdentity.trustManager(identity.authorities()));
    }

    @Test
    void aTokenJoinsOnceAndTheIdentityStays() {
        assertThat(enrolment().existing()).isEmpty();
        TlsIdentity identity = enrolment().join();
        assertThat(enrolment().existing()).contains(identity);
        assertThat(identity.chain().getFirst().getSubjectX500Principal().getName())
                .isEqualTo("CN=n1");
        assertThatThrownBy(() -> enrolment().join())
                .isInstanceOf(DpuException.class)
                .hasMessageContaining("this token is not valid");
    }

    @Test
    void anotherAuthorityIsNotTrusted() {
        try (FakeRegion other = new FakeRegion()) {
            Pem.write(directory.resolve("ca.crt"), List.of(other.authority.certificate()));
            assertThatThrownBy(() -> enrolment().join()).isInstanceOf(DpuException.class);
        }
    }

    /** Nothing changes until somebody acts, so there is no hurry to ask again. */
    @Test
    void aNodeThatIsNotAdmittedAsksSeldom() {
        RegionSession.End removed =
                RegionSession.End.of(Status.PERMISSION_DENIED.withDescription("removed"));
        assertThat(removed.reason()).isEqualTo("PERMISSION_DENIED: removed");
        assertThat(RegionSession.pause(removed, Backoff.ofConnection()))
                .isEqualTo(RegionSession.REFUSED_PAUSE);
        RegionSession.End away = RegionSession.End.of(Status.UNAVAILABLE);
        assertThat(RegionSession.pause(away, Backoff.ofConnection()))
                .isLessThan(RegionSession.REFUSED_PAUSE);
    }

    @Test
    void aSessionReportsReceivesAndSurvivesTheRegion() throws Exception {
        Hello hello = Hello.newBuilder().setNode("n1").setVcpus(2).build();
        try (RegionLink link = link(enrolment().join());
                RegionSession session =
                        new RegionSession(
                                link,
                                hello,
                                observations,
                                goals::add,
                                node.machines(),
                                new AgentMetrics(new Metrics()))) {
            region.want(Goals.of(Goals.server("s1")));
            session.start();
            assertThat(region.next(MessageCase.HELLO).getHello()).isEqualTo(hello);
            assertThat(goals.poll(60, TimeUnit.SECONDS)).isEqualTo(Goals.of(Goals.server("s1")));

            observations.put(Observed.newBuilder().setGoalRevision(7).build());
            session.changed();
            assertThat(region.next(MessageCase.OBSERVED).getObserved().getGoalRevision())
                    .isEqualTo(7);

            region.askConsole("s1");
            assertThat(region.next(MessageCase.CONSOLE).getConsole().getOutput().toStringUtf8())
                    .isEqualTo("console of s1");

            region.restart();
            assertThat(region.next(MessageCase.HELLO).getHello()).isEqualTo(hello);
            assertThat(region.next(MessageCase.OBSERVED).getObserved().getGoalRevision())
                    .isEqualTo(7);
            assertThat(goals.poll(60, TimeUnit.SECONDS)).isNotNull();
        }
    }

    @Test
    void aConsoleIsCarriedBothWaysUntilOneSideEndsIt() throws Exception {
        try (RegionLink link = link(enrolment().join());
                RegionSession session =
                        new RegionSession(
                                link,
                                Hello.getDefaultInstance(),
                                observations,
                                goals::add,
                                node.machines(),
                                new AgentMetrics(new Metrics()))) {
            session.start();
            region.next(MessageCase.HELLO);

            region.useConsole("u0", "s1");
            assertThat(console()).contains("u0").contains("machine s1 does not run");
            assertThat(console()).isEqualTo("completed");

            try (SocketChannel guest = guest("s1")) {
                region.useConsole("u1", "s1");
                assertThat(console()).contains("u1").doesNotContain("error");
                guest.write(ByteBuffer.wrap("login: ".getBytes(StandardCharsets.UTF_8)));
                assertThat(console()).contains("login: ");
                type("root");
                ByteBuffer typed = ByteBuffer.allocate(4);
                while (typed.hasRemaining()) {
                    guest.read(typed);
                }
                assertThat(typed.array()).asString().isEqualTo("root");
                region.consoleDown.orElseThrow().onCompleted();
                assertThat(guest.read(ByteBuffer.allocate(1))).isNegative();
            }

            SocketChannel guest = guest("s1");
            region.useConsole("u2", "s1");
            assertThat(console()).contains("u2");
            guest.close();
            assertThat(console()).isEqualTo("completed");
        }
    }

    /** The end of a console that belongs to the guest. */
    private SocketChannel guest(String id) throws IOException {
        Path path = directory.resolve("console.sock");
        Files.deleteIfExists(path);
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(path));
            node.consoles.put(id + " SERIAL", SocketChannel.open(UnixDomainSocketAddress.of(path)));
            return listener.accept();
        }
    }

    private String console() throws InterruptedException {
        return Optional.ofNullable(region.consoles.poll(60, TimeUnit.SECONDS)).orElseThrow();
    }

    private void type(String text) {
        region.consoleDown
                .orElseThrow()
                .onNext(ConsoleInput.newBuilder().setData(ByteString.copyFromUtf8(text)).build());
    }

    @Test
    void anUnchangedNodeIsHeardOfAllTheSame() throws Exception {
        observations.put(Observed.newBuilder().setGoalRevision(1).build());
        try (RegionLink link = link(enrolment().join());
                RegionSession session =
                        new RegionSession(
                                link,
                                Hello.getDefaultInstance(),
                                observations,
                                goals::add,
                                node.machines(),
                                new AgentMetrics(new Metrics()))) {
            session.start();
            region.next(MessageCase.OBSERVED);
            region.next(MessageCase.OBSERVED);
        }
    }

    @Test
    void imagesComeOverTheSameLink() throws IOException {
        try (RegionLink link = link(enrolment().join())) {
            ImageSource images = new RegionImages(link.channel(), new AgentMetrics(new Metrics()));
            ByteArrayOutputStream got = new ByteArrayOutputStream();
            images.fetch("img", 400, bytes -> bytes.writeTo(got));
            assertThat(got.size()).isEqualTo(600);
            assertThatThrownBy(() -> images.fetch("none", 0, bytes -> {}))
                    .isInstanceOfSatisfying(
                            DpuException.class,
                            e -> assertThat(e.category()).isEqualTo(DpuException.Category.GOAL));
        }
    }

    @Test
    void theGoalIsKept() throws IOException {
        GoalFile file = new GoalFile(directory.resolve("goal"));
        assertThat(file.read()).isEmpty();
        file.write(Goals.of(Goals.server("s1")));
        assertThat(file.read()).contains(Goals.of(Goals.server("s1")));
        Files.write(directory.resolve("goal"), new byte[] {(byte) 0xff, 1, 2});
        assertThat(file.read()).isEmpty();
    }
}
