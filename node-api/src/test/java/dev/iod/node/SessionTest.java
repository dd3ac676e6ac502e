package dev.iod.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.iod.pki.CertificateAuthority;
import dev.iod.runtime.Keys;
import dev.iod.runtime.TlsIdentity;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.KeyPair;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.X509KeyManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The contract over the real transport: both ends, mutual TLS. */
class SessionTest {
    private static final int CHUNK_BYTES = 1 << 20;

    private final CertificateAuthority authority =
            CertificateAuthority.create("test region", Clock.systemUTC());
    private final FakeRegion region = new FakeRegion();
    private final List<RegionLink> links = new ArrayList<>();
    private NodeListener server;

    /** Records what it hears; answers every observed state with a goal. */
    private static final class FakeRegion extends RegionGrpc.RegionImplBase {
        final BlockingQueue<String> events = new LinkedBlockingQueue<>();

        @Override
        public void join(JoinRequest request, StreamObserver<JoinReply> reply) {
            if (request.getToken().equals("wrong")) {
                reply.onError(
                        Status.PERMISSION_DENIED
                                .withDescription("the token was used")
                                .asRuntimeException());
                return;
            }
            reply.onNext(
                    JoinReply.newBuilder().setCertificate(ByteString.copyFromUtf8(peer())).build());
            reply.onCompleted();
        }

        @Override
        public StreamObserver<NodeMessage> session(StreamObserver<RegionMessage> down) {
            events.add("open " + peer());
            return new StreamObserver<>() {
                @Override
                public void onNext(NodeMessage message) {
                    events.add(message.getMessageCase().name());
                    if (message.hasObserved()) {
                        Goal goal =
                                Goal.newBuilder()
                                        .setRevision(message.getObserved().getGoalRevision() + 1)
                                        .build();
                        down.onNext(RegionMessage.newBuilder().setGoal(goal).build());
                    }
                }

                @Override
                public void onError(Throwable error) {
                    events.add("closed");
                }

                @Override
                public void onCompleted() {
                    events.add("completed");
                    down.onCompleted();
                }
            };
        }

        @Override
        public void fetchImage(FetchImageRequest request, StreamObserver<ImageChunk> chunks) {
            byte[] data = new byte[CHUNK_BYTES];
            for (int i = 0; i < 8; i++) {
                Arrays.fill(data, (byte) i);
                chunks.onNext(ImageChunk.newBuilder().setData(ByteString.copyFrom(data)).build());
            }
            chunks.onCompleted();
        }

        private static String peer() {
            return NodeListener.caller().map(NodeListener.Caller::node).orElse("nobody");
        }
    }

    private final class Down implements StreamObserver<RegionMessage> {
        final BlockingQueue<Long> goals = new LinkedBlockingQueue<>();
        final BlockingQueue<Optional<Throwable>> end = new LinkedBlockingQueue<>();

        @Override
        public void onNext(RegionMessage message) {
            goals.add(message.getGoal().getRevision());
        }

        @Override
        public void onError(Throwable error) {
            end.add(Optional.of(error));
        }

        @Override
        public void onCompleted() {
            end.add(Optional.empty());
        }
    }

    @BeforeEach
    void start() throws Exception {
        TlsIdentity identity = identity("region");
        server =
                NodeListener.start(
                        new InetSocketAddress("127.0.0.1", 0),
                        identity.keyManager(),
                        TlsIdentity.trustManager(identity.authorities()),
                        region);
    }

    @AfterEach
    void stop() {
        links.forEach(RegionLink::close);
        server.close();
    }

    private TlsIdentity identity(String name) throws Exception {
        KeyPair pair = Keys.generate();
        var certificate =
                authority.issueServer(
                        pair.getPublic(),
                        name,
                        List.of("localhost"),
                        List.of(InetAddress.getByName("127.0.0.1")));
        return new TlsIdentity(
                pair.getPrivate(), List.of(certificate), List.of(authority.certificate()));
    }

    private Channel joined(int port) throws Exception {
        return dial(port, Optional.of(identity("n1").keyManager()));
    }

    private Channel dial(int port, Optional<X509KeyManager> key) {
        RegionLink link =
                RegionLink.dial(
                        new InetSocketAddress("127.0.0.1", port),
                        key,
                        TlsIdentity.trustManager(List.of(authority.certificate())));
        links.add(link);
        return link.channel();
    }

    private static NodeMessage observed(long revision) {
        return NodeMessage.newBuilder()
                .setObserved(Observed.newBuilder().setGoalRevision(revision))
                .build();
    }

    private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
        T item = queue.poll(60, TimeUnit.SECONDS);
        assertThat(item).isNotNull();
        return item;
    }

    @Test
    void aSessionCarriesMessagesBothWaysAndNamesTheNode() throws Exception {
        Down down = new Down();
        var up = RegionGrpc.newStub(joined(server.port())).session(down);
        up.onNext(NodeMessage.newBuilder().setHello(Hello.newBuilder().setNode("n1")).build());
        assertThat(next(region.events)).isEqualTo("open n1");
        assertThat(next(region.events)).isEqualTo("HELLO");
        for (long revision = 1; revision <= 50; revision++) {
            up.onNext(observed(revision));
            assertThat(next(region.events)).isEqualTo("OBSERVED");
            assertThat(next(down.goals)).isEqualTo(revision + 1);
        }
        up.onCompleted();
        assertThat(next(region.events)).isEqualTo("completed");
        assertThat(next(down.end)).isEmpty();
    }

    @Test
    void theNodeLearnsThatTheRegionWentAway() throws Exception {
        Down down = new Down();
        var up = RegionGrpc.newStub(joined(server.port())).session(down);
        up.onNext(observed(1));
        assertThat(next(down.goals)).isEqualTo(2);
        server.close();
        assertThat(next(down.end)).isPresent();
    }

    @Test
    void bothLearnThatTheWireWasCut() throws Exception {
        try (Wire wire = new Wire(server.port())) {
            Down down = new Down();
            var up = RegionGrpc.newStub(joined(wire.port())).session(down);
            up.onNext(observed(1));
            assertThat(next(down.goals)).isEqualTo(2);
            assertThat(next(region.events)).isEqualTo("open n1");
            assertThat(next(region.events)).isEqualTo("OBSERVED");
            wire.cut();
            assertThat(next(down.end)).isPresent();
            assertThat(next(region.events)).isEqualTo("closed");
        }
    }

    @Test
    void aSilentPeerIsGivenUp() throws Exception {
        try (Wire wire = new Wire(server.port())) {
            Down down = new Down();
            var up = RegionGrpc.newStub(joined(wire.port())).session(down);
            up.onNext(observed(1));
            assertThat(next(down.goals)).isEqualTo(2);
            assertThat(next(region.events)).isEqualTo("open n1");
            assertThat(next(region.events)).isEqualTo("OBSERVED");
            wire.swallow();
            assertThat(down.end.poll(60, TimeUnit.SECONDS)).isPresent();
            assertThat(region.events.poll(60, TimeUnit.SECONDS)).isEqualTo("closed");
        }
    }

    @Test
    void joiningNeedsNoCertificate() {
        var stub = RegionGrpc.newBlockingStub(dial(server.port(), Optional.empty()));
        var reply = stub.join(JoinRequest.newBuilder().setToken("once").build());
        assertThat(reply.getCertificate().toStringUtf8()).isEqualTo("nobody");
    }

    @Test
    void anErrorArrivesWithItsText() {
        var stub = RegionGrpc.newBlockingStub(dial(server.port(), Optional.empty()));
        assertThatThrownBy(() -> stub.join(JoinRequest.newBuilder().setToken("wrong").build()))
                .hasMessageContaining("PERMISSION_DENIED")
                .hasMessageContaining("the token was used");
    }

    @Test
    void imagesArriveWhole() throws Exception {
        Iterator<ImageChunk> chunks =
                RegionGrpc.newBlockingStub(joined(server.port()))
                        .fetchImage(FetchImageRequest.getDefaultInstance());
        int count = 0;
        while (chunks.hasNext()) {
            byte[] data = chunks.next().getData().toByteArray();
            assertThat(data).hasSize(CHUNK_BYTES);
            assertThat(data[CHUNK_BYTES - 1]).isEqualTo((byte) count);
            count++;
        }
        assertThat(count).isEqualTo(8);
    }
}
