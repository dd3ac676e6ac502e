package dev.iod.region;

import java.util.Optional;

/**
 * One use of a server's console. It ends when it is closed, when the server stops, is deleted or
 * moves, when a newer user has the serial console, and when the node is lost. One thread may read
 * while another writes; any may close.
 */
public interface NodeConsole extends AutoCloseable {
    /**
     * Waits for what the console says next.
     *
     * @return at most {@link NodeConsoles#MAX_PIECE_BYTES}; empty at the end
     * @throws InterruptedException when the thread is
     */
    Optional<byte[]> read() throws InterruptedException;

    /**
     * Types; waits while the node takes no more, until the use has ended: {@link #close} ends the
     * wait.
     *
     * @param input at most {@link NodeConsoles#MAX_PIECE_BYTES}
     * @return false when the use has ended
     * @throws InterruptedException when the thread is
     */
    boolean write(byte[] input) throws InterruptedException;

    @Override
    void close();
}
