package dev.iod.node;

import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.grpc.netty.shaded.io.netty.util.concurrent.Future;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.NullMarked;

/**
 * Connections whose peer has shown no certificate: those that join, and everybody who only found
 * the port. They have a few bytes and a few seconds, and when there are too many of them the oldest
 * goes; a node that comes back is one of them for as long as its handshake takes. Touched by the
 * listener's one network thread only.
 */
@NullMarked
final class Strangers {
    /** At once. */
    static final int MAX_OPEN = 64;

    /** That one may send: a handshake and a signing request take about 6 KiB. */
    static final int MAX_BYTES = 64 << 10;

    /** That one may stay. */
    static final int MAX_SECONDS = 30;

    private final Set<Channel> open = new LinkedHashSet<>();

    /** A listening socket whose connections begin here. */
    NioServerSocketChannel listener() {
        return new NioServerSocketChannel() {
            @Override
            protected int doReadMessages(List<Object> accepted) throws Exception {
                int count = super.doReadMessages(accepted);
                for (Object one : accepted) {
                    // First of all handlers: it sees the bytes as they come off the wire.
                    if (one instanceof Channel channel
                            && channel.pipeline().get(Guard.class) == null) {
                        channel.pipeline().addFirst(new Guard());
                    }
                }
                return count;
            }
        };
    }

    private void enter(Channel channel) {
        if (open.size() >= MAX_OPEN) {
            Channel oldest = open.iterator().next();
            open.remove(oldest);
            cut(oldest);
        }
        open.add(channel);
    }

    /** At once: from the end of the pipeline, TLS and HTTP/2 would say good-bye first. */
    private static void cut(Channel channel) {
        channel.pipeline().firstContext().close();
    }

    private void leaveWithCertificate(Channel channel, SslHandler tls) {
        try {
            if (tls.engine().getSession().getPeerCertificates().length > 0) {
                open.remove(channel);
            }
        } catch (SSLPeerUnverifiedException e) {
            // It has none, and stays a stranger.
        }
    }

    private final class Guard extends ChannelInboundHandlerAdapter {
        private long bytes;
        private boolean watched;

        @Override
        public void channelActive(ChannelHandlerContext context) throws Exception {
            Channel channel = context.channel();
            enter(channel);
            context.executor()
                    .schedule(() -> closeIfStranger(channel), MAX_SECONDS, TimeUnit.SECONDS);
            super.channelActive(context);
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
            Channel channel = context.channel();
            if (!open.contains(channel)) {
                context.pipeline().remove(this);
                super.channelRead(context, message);
                return;
            }
            SslHandler tls = context.pipeline().get(SslHandler.class);
            if (tls != null && !watched) {
                watched = true;
                tls.handshakeFuture()
                        .addListener(
                                (Future<Channel> done) -> {
                                    if (done.isSuccess()) {
                                        leaveWithCertificate(channel, tls);
                                    }
                                });
            }
            bytes += message instanceof ByteBuf buffer ? buffer.readableBytes() : 0;
            if (bytes > MAX_BYTES) {
                ((ByteBuf) message).release();
                cut(channel);
                return;
            }
            super.channelRead(context, message);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) throws Exception {
            open.remove(context.channel());
            super.channelInactive(context);
        }

        private void closeIfStranger(Channel channel) {
            if (open.contains(channel)) {
                cut(channel);
            }
        }
    }
}
