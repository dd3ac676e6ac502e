package dev.iod.dpu;

import com.google.protobuf.ByteString;
import dev.iod.dpu.DpuException.Category;
import dev.iod.node.JoinReply;
import dev.iod.node.JoinRequest;
import dev.iod.node.RegionGrpc;
import dev.iod.node.RegionLink;
import dev.iod.pki.SigningRequest;
import dev.iod.runtime.Keys;
import dev.iod.runtime.Pem;
import dev.iod.runtime.TlsIdentity;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * How a node gets its identity: it makes a key, which never leaves it, and trades the one-time
 * token for a certificate. The region is trusted by {@code ca.crt}, which whoever set the node up
 * put there.
 */
final class Enrolment {
    private static final int TOKEN_LIMIT_BYTES = 4096;
    private static final int CALL_LIMIT_SECONDS = 10;

    private final String node;
    private final InetSocketAddress region;
    private final Path directory;
    private final Optional<Path> token;

    Enrolment(String node, InetSocketAddress region, Path directory, Optional<Path> token) {
        this.node = node;
        this.region = region;
        this.directory = directory;
        this.token = token;
    }

    /** The identity of a node that has joined before. */
    Optional<TlsIdentity> existing() {
        Path key = directory.resolve("node.key");
        Path certificate = directory.resolve("node.crt");
        return Files.exists(certificate)
                ? Optional.of(TlsIdentity.load(key, certificate, authority()))
                : Optional.empty();
    }

    /**
     * One try to join. The key and then the certificate are on disk before it returns; a try that
     * died after the region had answered needs a new token.
     *
     * @throws DpuException (REGION) when the region cannot be reached or refuses, (NODE) when
     *     something is missing here
     */
    TlsIdentity join() {
        String secret = token();
        List<X509Certificate> authorities = Pem.certificates(authority());
        KeyPair pair = Keys.generate();
        Pem.write(directory.resolve("node.key"), pair.getPrivate());
        JoinRequest request =
                JoinRequest.newBuilder()
                        .setToken(secret)
                        .setNode(node)
                        .setSigningRequest(ByteString.copyFrom(SigningRequest.build(pair, node)))
                        .build();
        X509Certificate certificate = Pem.certificate(ask(request, authorities));
        if (!certificate.getPublicKey().equals(pair.getPublic())) {
            throw new DpuException(Category.REGION, "the region certified another key than ours");
        }
        TlsIdentity identity =
                new TlsIdentity(pair.getPrivate(), List.of(certificate), authorities);
        Pem.write(directory.resolve("node.crt"), List.of(certificate));
        return identity;
    }

    private byte[] ask(JoinRequest request, List<X509Certificate> authorities) {
        try (RegionLink link =
                RegionLink.dial(region, Optional.empty(), TlsIdentity.trustManager(authorities))) {
            JoinReply reply =
                    RegionGrpc.newBlockingStub(link.channel())
                            .withDeadlineAfter(CALL_LIMIT_SECONDS, TimeUnit.SECONDS)
                            .join(request);
            return reply.getCertificate().toByteArray();
        } catch (StatusRuntimeException e) {
            String text = RegionSession.text(e.getStatus());
            throw new DpuException(
                    Category.REGION, "cannot join the region at " + region + ": " + text, e);
        }
    }

    private String token() {
        Path file =
                token.orElseThrow(
                        () ->
                                new DpuException(
                                        Category.NODE,
                                        "this node has not joined and has no token: get one from"
                                                + " the region and name its file as token"));
        try {
            if (Files.size(file) > TOKEN_LIMIT_BYTES) {
                throw new DpuException(Category.NODE, file + " is too large to be a token");
            }
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new DpuException(Category.NODE, "cannot read the join token: " + e, e);
        }
    }

    private Path authority() {
        return directory.resolve("ca.crt");
    }
}
