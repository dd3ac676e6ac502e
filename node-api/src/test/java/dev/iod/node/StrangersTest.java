package dev.iod.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.iod.pki.CertificateAuthority;
import dev.iod.runtime.Keys;
import dev.iod.runtime.TlsIdentity;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.KeyPair;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What peers without a certificate can take from nodes: nothing. */
class StrangersTest {
    private final CertificateAuthority authority =
            CertificateAuthority.create("test region", Clock.systemUTC());
    private final AtomicInteger joins = new AtomicInteger();
    private final LinkedBlockingQueue<NodeMessage> heard = new LinkedBlockingQueue<>();
    private final List<RegionLink> links = new ArrayList<>();
    private NodeListener server;

    private final class Region extends RegionGrpc.RegionImplBase {
        @Override
        public void join(JoinRequest request, StreamObserver<JoinReply> reply) {
            joins.incrementAndGet();
            reply.onNext(JoinReply.getDefaultInstance());
            reply.onCompleted();
        }

        @Override
        public StreamObserver<NodeMessage> session(StreamObserver<RegionMessage> down) {
            return new StreamObserver<>() {
                @Override
                public void onNext(NodeMessage message) {
                    heard.add(message);
                }

                @Override
                public void onError(Throwable error) {}

                @Override
                public void onCompleted() {
                    down.onCompleted();
                }
            };
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
                        new Region());
    }

    @AfterEach
    void stop() {
        links.forEach(RegionLink::close);
        server.close();
    }

    @Test
    void aJoinIsSmall() throws Exception {
        for (int size : List.of(Strangers.MAX_BYTES, 31 << 20)) {
            assertThatThrownBy(() -> join(size)).isInstanceOf(StatusRuntimeException.class);
        }
        assertThat(joins.get()).isZero();
        join(Strangers.MAX_BYTES / 2);
        assertThat(joins.get()).isEqualTo(1);
    }

    @Test
    void aNodeSendsMoreThanAStranger() throws Exception {
        StreamObserver<NodeMessage> up = session();
        up.onNext(console(1 << 20));
        NodeMessage message = heard.poll(60, TimeUnit.SECONDS);
        assertThat(message).isNotNull();
        assertThat(message.getConsole().getOutput().size()).isEqualTo(1 << 20);
    }

    @Test
    void aNodesMessageHasABoundToo() throws Exception {
        session().onNext(console(Transport.NODE_LIMIT_BYTES));
        assertThat(heard.poll(500, TimeUnit.MILLISECONDS)).isNull();
        session().onNext(console(1));
        assertThat(heard.poll(60, TimeUnit.SECONDS)).isNotNull();
    }

    @Test
    void idleStrangersShutNobodyOut() throws Exception {
        StreamObserver<NodeMessage> up = session();
        up.onNext(console(1));
        assertThat(heard.poll(60, TimeUnit.SECONDS)).isNotNull();
        List<Socket> idle = new ArrayList<>();
        for (int i = 0; i < 3 * Strangers.MAX_OPEN; i++) {
            idle.add(new Socket(InetAddress.getLoopbackAddress(), server.port()));
        }
        join(100);
        assertThat(joins.get()).isEqualTo(1);
        // The node is none of them, whatever they are many.
        up.onNext(console(1));
        assertThat(heard.poll(60, TimeUnit.SECONDS)).isNotNull();
        int ended = 0;
        for (Socket socket : idle) {
            socket.setSoTimeout(1);
            ended += ended(socket) ? 1 : 0;
            socket.close();
        }
        assertThat(ended).isGreaterThanOrEqualTo(2 * Strangers.MAX_OPEN);
    }

    private static boolean ended(Socket socket) throws IOException {
        try {
            return socket.getInputStream().read() < 0;
        } catch (java.net.SocketTimeoutException e) {
            return false;
        }
    }

    private void join(int bytes) throws Exception {
        RegionGrpc.newBlockingStub(dial(Optional.empty()).channel())
                .join(
                        JoinRequest.newBuilder()
                                .setSigningRequest(ByteString.copyFrom(new byte[bytes]))
                                .build());
    }

    private StreamObserver<NodeMessage> session() throws Exception {
        return RegionGrpc.newStub(dial(Optional.of(identity("n1"))).channel())
                .session(
                        new StreamObserver<>() {
                            @Override
                            public void onNext(RegionMessage message) {}

                            @Override
                            public void onError(Throwable error) {}

                            @Override
                            public void onCompleted() {}
                        });
    }

    private static NodeMessage console(int bytes) {
        return NodeMessage.newBuilder()
                .setConsole(
                        ConsoleReply.newBuilder().setOutput(ByteString.copyFrom(new byte[bytes])))
                .build();
    }

    private RegionLink dial(Optional<TlsIdentity> identity) {
        RegionLink link =
                RegionLink.dial(
                        new InetSocketAddress("127.0.0.1", server.port()),
                        identity.map(TlsIdentity::keyManager),
                        TlsIdentity.trustManager(List.of(authority.certificate())));
        links.add(link);
        return link;
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
}
