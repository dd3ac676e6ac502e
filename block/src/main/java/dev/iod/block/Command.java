package dev.iod.block;

import dev.iod.engine.EngineException;
import java.nio.file.Path;
import java.security.MessageDigest;

/** What an agent can ask of the engine. */
public sealed interface Command {
    /** An empty volume; its space is reserved unless it is thin. */
    record Create(String name, long sizeBytes, boolean thin) implements Command {}

    /**
     * A volume that starts as a copy of a volume, snapshot or image.
     *
     * @param sizeBytes at least that of the source; 0 = the same
     */
    record Clone(String source, String name, long sizeBytes) implements Command {}

    /** A read-only copy as of this moment; the volume may be in use. */
    record Snapshot(String volume, String name) implements Command {}

    /** Makes an image of a file; nothing happens when it exists. */
    record Fill(String name, Path file) implements Command {}

    /** Makes a volume larger; a guest that has it hears of it. */
    record Resize(String name, long sizeBytes) implements Command {}

    record Delete(String name) implements Command {}

    /**
     * Shows a volume to a VMM. The same attachment again changes nothing.
     *
     * @param location where its blocks are; the name of one that is not in the pool is not that of
     *     one that is
     * @param socket vhost-user socket
     * @param listen the engine makes the socket; otherwise it dials until the VMM listens
     * @param queues 1 to 16
     * @param key AES-256-XTS key of 64 bytes, or none. It is kept in memory only, so that after a
     *     restart of the engine the agent attaches encrypted volumes again
     */
    record Attach(
            String name,
            Location location,
            Path socket,
            boolean listen,
            int queues,
            boolean readOnly,
            Limits limits,
            byte[] key)
            implements Command {
        static final int MAX_QUEUES = 16;

        public Attach {
            if (queues < 1 || queues > MAX_QUEUES) {
                throw new EngineException(
                        EngineException.Category.INVALID,
                        "a volume has 1 to " + MAX_QUEUES + " queues, not " + queues);
            }
        }

        /** The same with other limits. */
        Attach with(Limits other) {
            return new Attach(name, location, socket, listen, queues, readOnly, other, key);
        }

        /** Whether this asks for what that one did; limits are changed by {@link Limit}. */
        boolean isLike(Attach that) {
            return name.equals(that.name)
                    && location.equals(that.location)
                    && socket.equals(that.socket)
                    && listen == that.listen
                    && queues == that.queues
                    && readOnly == that.readOnly
                    && MessageDigest.isEqual(key, that.key);
        }

        @Override
        public String toString() {
            return "Attach[" + name + " to " + socket + "]";
        }
    }

    /**
     * Takes a volume away from its VMM. Ends when everything taken from the guest is answered and
     * its files are closed; meanwhile other volumes can be attached and detached. FAILED when the
     * storage does not answer in a minute: then it goes on, and can be waited for again.
     */
    record Detach(String name) implements Command {}

    record Limit(String name, Limits limits) implements Command {}

    /**
     * Lets a volume that has failed for good be used again: for a person who knows that the storage
     * is sound. What was lost stays lost. CONFLICT while it is attached, or when it has not failed.
     */
    record ClearFailure(String name) implements Command {}

    record List() implements Command {}

    /** How much room the pool has. */
    record Space() implements Command {}

    record Status(String name) implements Command {}

    /** Where the bytes of a snapshot or image are, which nobody writes; INVALID for others. */
    record File(String name) implements Command {}
}
