package dev.iod.node;

import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import javax.net.ssl.X509KeyManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.NullMarked;

/**
 * The node's end. Connects when the first call is made; a call that finds no region fails with
 * {@code UNAVAILABLE}, and whoever called tries again at its own pace.
 */
@NullMarked
public final class RegionLink implements AutoCloseable {
    private final ManagedChannel channel;
    private final EventLoopGroup network;
    private final ExecutorService calls;

    private RegionLink(ManagedChannel channel, EventLoopGroup network, ExecutorService calls) {
        this.channel = channel;
        this.network = network;
        this.calls = calls;
    }

    /**
     * Nothing is sent yet.
     *
     * @param key empty for a node that has not joined
     * @param region accepts the region's certificate, whose names must cover the address's host
     */
    public static RegionLink dial(
            InetSocketAddress address, Optional<X509KeyManager> key, X509TrustManager region) {
        EventLoopGroup network = Transport.networkThread("region-link");
        ExecutorService calls = Transport.callThreads("region-call-");
        ManagedChannel channel =
                NettyChannelBuilder.forAddress(address.getHostString(), address.getPort())
                        .sslContext(tls(key, region))
                        .channelType(NioSocketChannel.class)
                        .eventLoopGroup(network)
                        .executor(calls)
                        .flowControlWindow(Transport.WINDOW_BYTES)
                        .maxInboundMessageSize(Transport.MESSAGE_LIMIT_BYTES)
                        .keepAliveTime(Transport.KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                        .keepAliveTimeout(Transport.KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                        .disableServiceConfigLookUp()
                        .disableRetry()
                        .build();
        return new RegionLink(channel, network, calls);
    }

    public Channel channel() {
        return channel;
    }

    /** Forgets gRPC's own back-off, so that the next call dials at once. */
    public void dialNow() {
        channel.resetConnectBackoff();
    }

    @Override
    public void close() {
        channel.shutdownNow();
        try {
            // The peer is told before the network thread goes.
            channel.awaitTermination(Transport.GOODBYE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Transport.stop(network, calls);
    }

    private static SslContext tls(Optional<X509KeyManager> key, X509TrustManager region) {
        SslContextBuilder builder = SslContextBuilder.forClient().trustManager(region);
        key.ifPresent(builder::keyManager);
        try {
            return GrpcSslContexts.configure(builder, SslProvider.JDK).build();
        } catch (SSLException e) {
            throw new UncheckedIOException("cannot set TLS up", e);
        }
    }
}
