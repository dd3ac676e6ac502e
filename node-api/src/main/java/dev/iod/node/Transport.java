package dev.iod.node;

import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullMarked;

/** What both ends share. */
@NullMarked
final class Transport {
    /** A goal with the user data of every server of a node must fit. */
    static final int MESSAGE_LIMIT_BYTES = 32 << 20;

    /** What a node sends is smaller: the state of its servers, or 1 MiB of a console. */
    static final int NODE_LIMIT_BYTES = 4 << 20;

    /**
     * Bytes of one call that may be on their way to somebody who does not take them (RFC 9113
     * §5.2); it is their bound in memory. A call moves this much in a round trip at most: 250 MB/s
     * within a millisecond.
     */
    static final int WINDOW_BYTES = 256 << 10;

    /** A peer that is silent for this long is asked whether it lives. */
    static final int KEEP_ALIVE_SECONDS = 5;

    /** And is given up after this much more. */
    static final int KEEP_ALIVE_TIMEOUT_SECONDS = 5;

    /** How long closing waits until the peer was told. */
    static final long GOODBYE_MILLIS = 500;

    static {
        // No sun.misc.Unsafe, and no native code of Netty's: the JDK has sockets and TLS.
        String netty = "io.grpc.netty.shaded.io.netty.";
        System.setProperty(netty + "noUnsafe", "true");
        System.setProperty(netty + "transport.noNative", "true");
        System.setProperty(netty + "handler.ssl.noOpenSsl", "true");
    }

    private Transport() {}

    /** One network thread: a node has one connection, a region a few hundred quiet ones. */
    static EventLoopGroup networkThread(String name) {
        return new MultiThreadIoEventLoopGroup(
                1, Thread.ofPlatform().daemon().name(name).factory(), NioIoHandler.newFactory());
    }

    static ExecutorService callThreads(String name) {
        return Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name(name, 0).factory());
    }

    static void stop(EventLoopGroup network, ExecutorService calls) {
        network.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        calls.shutdown();
    }
}
