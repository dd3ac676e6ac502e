package dev.iod.dpu;

import com.google.protobuf.ByteString;
import dev.iod.node.CaptureChunk;
import dev.iod.node.CaptureProgress;
import dev.iod.node.ConsoleInput;
import dev.iod.node.ConsoleKind;
import dev.iod.node.ConsoleOutput;
import dev.iod.node.ConsoleRequest;
import dev.iod.node.FetchImageRequest;
import dev.iod.node.Goal;
import dev.iod.node.ImageChunk;
import dev.iod.node.JoinReply;
import dev.iod.node.JoinRequest;
import dev.iod.node.NodeListener;
import dev.iod.node.NodeMessage;
import dev.iod.node.RegionGrpc;
import dev.iod.node.RegionMessage;
import dev.iod.node.UseConsole;
import dev.iod.pki.CertificateAuthority;
import dev.iod.pki.SigningRequest;
import dev.iod.runtime.Keys;
import dev.iod.runtime.TlsIdentity;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.security.KeyPair;
import java.security.cert.CertificateEncodingException;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A region of one node over the real transport: signs, keeps one goal, records what it hears. */
final class FakeRegion extends RegionGrpc.RegionImplBase implements AutoCloseable {
    final CertificateAuthority authority = CertificateAuthority.create("region", Clock.systemUTC());
    final BlockingQueue<NodeMessage> heard = new LinkedBlockingQueue<>();

    /** Takes what is sent of disks. */
    volatile CaptureCalls captures =
            progress -> {
                throw new AssertionError("nothing is to be sent");
            };

    /** What consoles said. */
    final BlockingQueue<String> consoles = new LinkedBlockingQueue<>();

    volatile Optional<StreamObserver<ConsoleInput>> consoleDown = Optional.empty();
    private final TlsIdentity identity = identity();
    private volatile Optional<String> token = Optional.of("once");
    private volatile Goal goal = Goal.getDefaultInstance();
    private volatile Optional<StreamObserver<RegionMessage>> down = Optional.empty();
    private NodeListener listener = listen(0);

    private TlsIdentity identity() {
        try {
            KeyPair pair = Keys.generate();
            var certificate =
                    authority.issueServer(
                            pair.getPublic(),
                            "region",
                            List.of("localhost"),
                            List.of(InetAddress.getByName("127.0.0.1")));
            return new TlsIdentity(
                    pair.getPrivate(), List.of(certificate), List.of(authority.certificate()));
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    /** One call of {@code SendCapture}. */
    interface CaptureCalls {
        StreamObserver<CaptureChunk> begin(StreamObserver<CaptureProgress> progress);
    }

    @Override
    public StreamObserver<CaptureChunk> sendCapture(StreamObserver<CaptureProgress> progress) {
        return captures.begin(progress);
    }

    private NodeListener listen(int port) {
        return NodeListener.start(
                new InetSocketAddress("127.0.0.1", port),
                identity.keyManager(),
                TlsIdentity.trustManager(List.of(authority.certificate())),
                this);
    }

    InetSocketAddress address() {
        return new InetSocketAddress("127.0.0.1", listener.port());
    }

    /** Goes away and comes back under the same address. */
    void restart() {
        int port = listener.port();
        listener.close();
        listener = listen(port);
    }

    void want(Goal next) {
        goal = next;
        down.ifPresent(d -> d.onNext(RegionMessage.newBuilder().setGoal(next).build()));
    }

    void askConsole(String server) {
        down.orElseThrow()
                .onNext(
                        RegionMessage.newBuilder()
                                .setConsole(
                                        ConsoleRequest.newBuilder()
                                                .setRequestId(5)
                                                .setServerId(server)
                                                .setMaxBytes(100))
                                .build());
    }

    void useConsole(String use, String server) {
        down.orElseThrow()
                .onNext(
                        RegionMessage.newBuilder()
                                .setUseConsole(
                                        UseConsole.newBuilder()
                                                .setUseId(use)
                                                .setServerId(server)
                                                .setKind(ConsoleKind.CONSOLE_SERIAL))
                                .build());
    }

    NodeMessage next(NodeMessage.MessageCase kind) throws InterruptedException {
        while (true) {
            NodeMessage message = heard.poll(60, TimeUnit.SECONDS);
            if (message == null) {
                throw new AssertionError("no " + kind + " within 60 s");
            }
            if (message.getMessageCase() == kind) {
                return message;
            }
        }
    }

    @Override
    public void join(JoinRequest request, StreamObserver<JoinReply> reply) {
        if (!token.equals(Optional.of(request.getToken()))) {
            reply.onError(
                    Status.PERMISSION_DENIED
                            .withDescription("this token is not valid (any more)")
                            .asRuntimeException());
            return;
        }
        token = Optional.empty();
        SigningRequest signing = SigningRequest.parse(request.getSigningRequest().toByteArray());
        try {
            byte[] der = authority.issueNode(signing, request.getNode()).getEncoded();
            reply.onNext(JoinReply.newBuilder().setCertificate(ByteString.copyFrom(der)).build());
            reply.onCompleted();
        } catch (CertificateEncodingException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public StreamObserver<NodeMessage> session(StreamObserver<RegionMessage> observer) {
        if (NodeListener.caller().isEmpty()) {
            observer.onError(Status.UNAUTHENTICATED.asRuntimeException());
        }
        down = Optional.of(observer);
        return new StreamObserver<>() {
            @Override
            public void onNext(NodeMessage message) {
                if (message.hasHello()) {
                    observer.onNext(RegionMessage.newBuilder().setGoal(goal).build());
                }
                heard.add(message);
            }

            @Override
            public void onError(Throwable error) {}

            @Override
            public void onCompleted() {
                observer.onCompleted();
            }
        };
    }

    @Override
    public StreamObserver<ConsoleOutput> console(StreamObserver<ConsoleInput> observer) {
        consoleDown = Optional.of(observer);
        return new StreamObserver<>() {
            @Override
            public void onNext(ConsoleOutput message) {
                consoles.add(message.toString());
            }

            @Override
            public void onError(Throwable error) {
                consoles.add("error");
            }

            @Override
            public void onCompleted() {
                consoles.add("completed");
                observer.onCompleted();
            }
        };
    }

    @Override
    public void fetchImage(FetchImageRequest request, StreamObserver<ImageChunk> chunks) {
        if (!request.getImageId().equals("img")) {
            chunks.onError(Status.NOT_FOUND.asRuntimeException());
            return;
        }
        byte[] tail = new byte[(int) (1000 - request.getOffset())];
        chunks.onNext(ImageChunk.newBuilder().setData(ByteString.copyFrom(tail)).build());
        chunks.onCompleted();
    }

    @Override
    public void close() {
        listener.close();
    }
}
