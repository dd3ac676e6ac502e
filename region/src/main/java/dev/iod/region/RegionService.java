package dev.iod.region;

import com.google.protobuf.ByteString;
import dev.iod.node.CaptureChunk;
import dev.iod.node.CaptureProgress;
import dev.iod.node.ConsoleInput;
import dev.iod.node.ConsoleOutput;
import dev.iod.node.FetchImageRequest;
import dev.iod.node.ImageChunk;
import dev.iod.node.JoinReply;
import dev.iod.node.JoinRequest;
import dev.iod.node.NodeListener;
import dev.iod.node.NodeMessage;
import dev.iod.node.RegionGrpc;
import dev.iod.node.RegionMessage;
import dev.iod.pki.CertificateAuthority;
import dev.iod.pki.SigningRequest;
import dev.iod.runtime.SetupException;
import dev.iod.store.Database;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;

/** The service that nodes call ({@code node.proto}). */
public final class RegionService extends RegionGrpc.RegionImplBase {
    private static final System.Logger LOG = System.getLogger(RegionService.class.getName());

    private static final String BAD_TOKEN =
            "the token is unknown, used, expired or for another node; ask for a new one";

    private final Database database;
    private final Sessions sessions;
    private final ImageParts images;
    private final CaptureSink captures;
    private final CertificateAuthority authority;
    private final Clock clock;

    public RegionService(
            Database database,
            Sessions sessions,
            ImageParts images,
            CaptureSink captures,
            CertificateAuthority authority,
            Clock clock) {
        this.database = database;
        this.sessions = sessions;
        this.images = images;
        this.captures = captures;
        this.authority = authority;
        this.clock = clock;
    }

    @Override
    public void join(JoinRequest request, StreamObserver<JoinReply> reply) {
        Instant now = clock.instant();
        try {
            // Looked at before anything is parsed or signed for a stranger, and used up only with
            // what was signed: a bad request must not cost the token.
            boolean good = database.read(handle -> JoinTokens.good(handle, request, now));
            if (!good) {
                refuse(reply, Status.PERMISSION_DENIED, BAD_TOKEN);
                return;
            }
            SigningRequest signing =
                    SigningRequest.parse(request.getSigningRequest().toByteArray());
            X509Certificate issued = authority.issueNode(signing, request.getNode());
            byte[] certificate = issued.getEncoded();
            boolean used =
                    database.locked(
                            handle -> {
                                boolean first = JoinTokens.use(handle, request, now);
                                if (first) {
                                    Nodes.add(
                                            handle,
                                            request.getNode(),
                                            NodeListener.certificate(issued));
                                }
                                return first;
                            });
            if (!used) {
                refuse(reply, Status.PERMISSION_DENIED, BAD_TOKEN);
                return;
            }
            LOG.log(System.Logger.Level.INFO, "node joined node=" + request.getNode());
            reply.onNext(
                    JoinReply.newBuilder()
                            .setCertificate(ByteString.copyFrom(certificate))
                            .build());
            reply.onCompleted();
        } catch (SetupException | CertificateEncodingException e) {
            refuse(
                    reply,
                    Status.INVALID_ARGUMENT,
                    "the signing request is not usable: " + e.getMessage());
        }
    }

    @Override
    public StreamObserver<NodeMessage> session(StreamObserver<RegionMessage> down) {
        Optional<NodeListener.Caller> caller = NodeListener.caller();
        if (caller.isEmpty()) {
            refuse(down, Status.UNAUTHENTICATED, "a session needs the node's certificate");
            return new Ignored<>();
        }
        if (!sessions.admits(caller.get())) {
            refuse(down, Sessions.notAdmitted(caller.get().node()));
            return new Ignored<>();
        }
        return sessions.open(caller.get(), down);
    }

    @Override
    public void fetchImage(FetchImageRequest request, StreamObserver<ImageChunk> chunks) {
        Optional<NodeListener.Caller> caller = NodeListener.caller();
        if (caller.isEmpty()) {
            refuse(chunks, Status.UNAUTHENTICATED, "images need the node's certificate");
            return;
        }
        if (!sessions.admits(caller.get())) {
            refuse(chunks, Sessions.notAdmitted(caller.get().node()));
            return;
        }
        Optional<Path> file =
                sessions.needs(caller.get().node(), request.getImageId())
                        ? images.file(request.getImageId())
                        : Optional.empty();
        if (file.isEmpty()) {
            refuse(chunks, Status.NOT_FOUND, "no such image in the goal of this node");
            return;
        }
        ImagePump.start(
                file.get(),
                request.getOffset(),
                request.getZeros(),
                (ServerCallStreamObserver<ImageChunk>) chunks);
    }

    @Override
    public StreamObserver<CaptureChunk> sendCapture(StreamObserver<CaptureProgress> progress) {
        Optional<NodeListener.Caller> caller = NodeListener.caller();
        if (caller.isEmpty()) {
            refuse(progress, Status.UNAUTHENTICATED, "captures need the node's certificate");
            return new Ignored<>();
        }
        if (!sessions.admits(caller.get())) {
            refuse(progress, Sessions.notAdmitted(caller.get().node()));
            return new Ignored<>();
        }
        return new CaptureIntake(
                caller.get().node(),
                captures,
                (ServerCallStreamObserver<CaptureProgress>) progress);
    }

    @Override
    public StreamObserver<ConsoleOutput> console(StreamObserver<ConsoleInput> down) {
        Optional<NodeListener.Caller> caller = NodeListener.caller();
        if (caller.isEmpty()) {
            refuse(down, Status.UNAUTHENTICATED, "consoles need the node's certificate");
            return new Ignored<>();
        }
        if (!sessions.admits(caller.get())) {
            refuse(down, Sessions.notAdmitted(caller.get().node()));
            return new Ignored<>();
        }
        return sessions.console(caller.get(), (ServerCallStreamObserver<ConsoleInput>) down);
    }

    private static void refuse(StreamObserver<?> stream, Status status, String reason) {
        refuse(stream, status.withDescription(reason));
    }

    private static void refuse(StreamObserver<?> stream, Status status) {
        LOG.log(System.Logger.Level.WARNING, "call refused reason=" + status.getDescription());
        stream.onError(status.asRuntimeException());
    }

    /** The upward side of a refused call. */
    private static final class Ignored<T> implements StreamObserver<T> {
        @Override
        public void onNext(T message) {}

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onCompleted() {}
    }
}
