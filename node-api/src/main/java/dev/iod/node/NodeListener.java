package dev.iod.node;

import io.grpc.BindableService;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.X509KeyManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;

/**
 * The region's end. A caller may come without a certificate (to join); a certificate it shows must
 * be valid. A service method asks {@link #caller()} who it is, and refuses. Those without one are
 * {@link Strangers} and are given little.
 *
 * <p>A peer that does not answer is given up after about ten seconds: its streams then end with
 * {@code onError}, like those of a connection that was cut. A service that streams more than a few
 * messages must heed {@code ServerCallStreamObserver.isReady}, or they gather in memory.
 */
@NullMarked
public final class NodeListener implements AutoCloseable {
    private static final int CALLS_PER_CONNECTION = 16 + Traits.MAX_CONSOLES;
    private static final Context.Key<Caller> CALLER = Context.key("caller");

    private final Server server;
    private final int port;
    private final EventLoopGroup network;
    private final ExecutorService calls;

    private NodeListener(Server server, EventLoopGroup network, ExecutorService calls) {
        this.server = server;
        this.port = server.getPort();
        this.network = network;
        this.calls = calls;
    }

    /**
     * Listens. @param address port 0 takes any
     *
     * @throws UncheckedIOException when the address cannot be had
     */
    public static NodeListener start(
            InetSocketAddress address,
            X509KeyManager key,
            X509TrustManager nodes,
            BindableService service) {
        EventLoopGroup network = Transport.networkThread("node-listener");
        ExecutorService calls = Transport.callThreads("node-call-");
        Strangers strangers = new Strangers();
        Server server =
                NettyServerBuilder.forAddress(address)
                        .sslContext(tls(key, nodes))
                        .channelFactory(strangers::listener)
                        .bossEventLoopGroup(network)
                        .workerEventLoopGroup(network)
                        .executor(calls)
                        .maxConcurrentCallsPerConnection(CALLS_PER_CONNECTION)
                        .flowControlWindow(Transport.WINDOW_BYTES)
                        .maxInboundMessageSize(Transport.NODE_LIMIT_BYTES)
                        .keepAliveTime(Transport.KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                        .keepAliveTimeout(Transport.KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                        .permitKeepAliveTime(1, TimeUnit.SECONDS)
                        .permitKeepAliveWithoutCalls(true)
                        .intercept(new CallerInterceptor())
                        .addService(service)
                        .build();
        try {
            return new NodeListener(server.start(), network, calls);
        } catch (IOException e) {
            Transport.stop(network, calls);
            throw new UncheckedIOException("cannot listen on " + address, e);
        }
    }

    /** Where it listens, or listened. */
    public int port() {
        return port;
    }

    /**
     * Who calls, by the certificate that was shown.
     *
     * @param node the common name in it
     * @param certificate its serial number, see {@link #certificate}
     */
    public record Caller(String node, String certificate) {}

    /** Who calls; empty without a certificate. To be called by a service method, at once. */
    public static Optional<Caller> caller() {
        return Optional.ofNullable(CALLER.get());
    }

    /**
     * The serial number of a certificate in hexadecimal, as {@code openssl x509 -serial} has it.
     */
    public static String certificate(X509Certificate certificate) {
        return certificate.getSerialNumber().toString(16).toUpperCase(Locale.ROOT);
    }

    /** Cuts all connections. */
    @Override
    public void close() {
        server.shutdownNow();
        try {
            // The peer is told before the network thread goes.
            server.awaitTermination(Transport.GOODBYE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Transport.stop(network, calls);
    }

    private static SslContext tls(X509KeyManager key, X509TrustManager nodes) {
        try {
            SslContextBuilder builder =
                    SslContextBuilder.forServer(key)
                            .trustManager(nodes)
                            .clientAuth(ClientAuth.OPTIONAL);
            return GrpcSslContexts.configure(builder, SslProvider.JDK).build();
        } catch (SSLException e) {
            throw new UncheckedIOException("cannot set TLS up", e);
        }
    }

    private static final class CallerInterceptor implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            @Nullable SSLSession session =
                    call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
            Optional<Caller> caller = session == null ? Optional.empty() : caller(session);
            Context context =
                    caller.map(c -> Context.current().withValue(CALLER, c))
                            .orElseGet(Context::current);
            return Contexts.interceptCall(context, call, headers, next);
        }

        private static Optional<Caller> caller(SSLSession session) {
            try {
                if (!(session.getPeerCertificates()[0] instanceof X509Certificate shown)) {
                    return Optional.empty();
                }
                String subject = shown.getSubjectX500Principal().getName();
                for (Rdn part : new LdapName(subject).getRdns()) {
                    if (part.getType().equalsIgnoreCase("CN")) {
                        return Optional.of(
                                new Caller(part.getValue().toString(), certificate(shown)));
                    }
                }
                return Optional.empty();
            } catch (SSLPeerUnverifiedException | InvalidNameException e) {
                // No certificate, or none with a name we could use: nobody.
                return Optional.empty();
            }
        }
    }
}
