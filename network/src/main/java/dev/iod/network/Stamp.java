package dev.iod.network;

import dev.iod.store.Rows;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;

/** When a row was made and changed; {@code revision} is raised by every change. */
public record Stamp(Instant createdAt, Instant updatedAt, long revision) {
    /** The stamp of a row of any table here. */
    static Stamp of(ResultSet row) throws SQLException {
        return new Stamp(
                Rows.time(row, "created_at"),
                Rows.time(row, "updated_at"),
                row.getLong("revision"));
    }
}
