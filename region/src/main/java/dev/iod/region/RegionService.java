package dev.iod.region;

import com.google.protobuf.ByteString;
import dev.iod.node.FetchImageRequest;
import dev.iod.node.ImageChunk;
import dev.iod.node.JoinReply;
import dev.iod.node.JoinRequest;
import dev.iod.node.NodeListener;
import dev.iod.node.NodeMessage;
import dev.iod.node.RegionGrpc;
import dev.iod.node.RegionMessage;
import dev.iod.runtime.CertificateAuthority;
import dev.iod.runtime.SetupException;
import dev.iod.runtime.SigningRequest;
import dev.iod.store.Database;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.security.cert.CertificateEncodingException;
import java.time.Clock;
import java.util.Optional;

/** The service that nodes call ({@code node.proto}). */
public final class RegionService extends RegionGrpc.RegionImplBase {
    private static final System.Logger LOG = System.getLogger(RegionService.class.getName());

    private final Database database;
    private final Sessions sessions;
    private final ImageParts images;
    private final CertificateAuthority authority;
    private final Clock clock;

    public RegionService(
            Database database,
            Sessions sessions,
            ImageParts images,
            CertificateAuthority authority,
            Clock clock) {
        this.database = database;
        this.sessions = sessions;
        this.images = images;
        this.authority = authority;
        this.clock = clock;
    }

    @Override
    public void join(JoinRequest request, StreamObserver<JoinReply> reply) {
        try {
            SigningRequest signing =
                    SigningRequest.parse(request.getSigningRequest().toByteArray());
            // Issued before the token is used up: a bad request must not cost the token.
            byte[] certificate = authority.issueNode(signing, request.getNode()).getEncoded();
            boolean good =
                    database.transaction(
                            handle -> {
                                boolean used =
                                        JoinTokens.use(
                                                handle,
                                                request.getToken(),
                                                request.getNode(),
                                                clock.instant());
                                if (used) {
                                    Nodes.add(handle, request.getNode());
                                }
                                return used;
                            });
            if (!good) {
                refuse(
                        reply,
                        Status.PERMISSION_DENIED,
                        "the token is unknown, used, expired or for another node; ask for a new one");
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
        Optional<String> node = NodeListener.caller();
        if (node.isEmpty()) {
            refuse(down, Status.UNAUTHENTICATED, "a session needs the node's certificate");
            return new Ignored();
        }
        return sessions.open(node.get(), down);
    }

    @Override
    public void fetchImage(FetchImageRequest request, StreamObserver<ImageChunk> chunks) {
        Optional<String> node = NodeListener.caller();
        if (node.isEmpty()) {
            refuse(chunks, Status.UNAUTHENTICATED, "images need the node's certificate");
            return;
        }
        Optional<Path> file =
                sessions.needs(node.get(), request.getImageId())
                        ? images.file(request.getImageId())
                        : Optional.empty();
        if (file.isEmpty()) {
            refuse(chunks, Status.NOT_FOUND, "no such image in the goal of this node");
            return;
        }
        ImagePump.start(
                file.get(), request.getOffset(), (ServerCallStreamObserver<ImageChunk>) chunks);
    }

    private static void refuse(StreamObserver<?> stream, Status status, String reason) {
        LOG.log(System.Logger.Level.WARNING, "call refused reason=" + reason);
        stream.onError(status.withDescription(reason).asRuntimeException());
    }

    /** The upward side of a refused session. */
    private static final class Ignored implements StreamObserver<NodeMessage> {
        @Override
        public void onNext(NodeMessage message) {}

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onCompleted() {}
    }
}
