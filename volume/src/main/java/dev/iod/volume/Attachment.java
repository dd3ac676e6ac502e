package dev.iod.volume;

import dev.iod.store.Columns;
import dev.iod.store.Table;
import dev.iod.store.Where;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Which server has a volume.
 *
 * @param device as the server's owner knows it, such as {@code /dev/vdb}
 * @param deleteOnTermination whether it goes with the server
 * @param waitsFor what it waits for, as its node said; told to its owner
 */
record Attachment(
        UUID volumeId,
        UUID id,
        UUID serverId,
        String device,
        boolean deleteOnTermination,
        Instant attachedAt,
        String waitsFor) {
    static final Table<Attachment> TABLE =
            Table.of(Attachment.class, "volume_attachment", "volume_id");

    static Optional<Attachment> of(Handle handle, UUID volume) {
        return TABLE.first(handle, TABLE.is(volume));
    }

    static Where ofServer(UUID server) {
        return Where.of("server_id = ?", server);
    }

    static void remove(Handle handle, UUID volume) {
        TABLE.delete(handle, TABLE.is(volume));
    }

    static void waitsFor(Handle handle, UUID volume, String reason) {
        TABLE.update(handle, TABLE.is(volume), new Columns().set("waits_for", reason));
    }
}
