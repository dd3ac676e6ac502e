package dev.iod.node;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A wire between node and region that can be cut, or swallow everything while it stays up. */
final class Wire implements AutoCloseable {
    private final ServerSocket listener;
    private final List<Socket> ends = new CopyOnWriteArrayList<>();
    private volatile boolean swallowing;

    Wire(int regionPort) throws IOException {
        listener = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
        Thread.startVirtualThread(() -> accept(regionPort));
    }

    int port() {
        return listener.getLocalPort();
    }

    void swallow() {
        swallowing = true;
    }

    private void accept(int regionPort) {
        try {
            while (true) {
                Socket node = listener.accept();
                Socket region = new Socket(InetAddress.getLoopbackAddress(), regionPort);
                ends.add(node);
                ends.add(region);
                Thread.startVirtualThread(() -> carry(node, region));
                Thread.startVirtualThread(() -> carry(region, node));
            }
        } catch (IOException e) {
            // The wire was closed.
        }
    }

    private void carry(Socket from, Socket to) {
        byte[] buffer = new byte[8192];
        try {
            for (int n = from.getInputStream().read(buffer); n > 0; ) {
                if (!swallowing) {
                    to.getOutputStream().write(buffer, 0, n);
                }
                n = from.getInputStream().read(buffer);
            }
        } catch (IOException e) {
            // One side hung up.
        }
    }

    void cut() throws IOException {
        close();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Socket end : ends) {
            end.close();
        }
    }
}
