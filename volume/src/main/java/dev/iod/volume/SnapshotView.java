package dev.iod.volume;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.number;
import static dev.iod.rest.View.text;

import dev.iod.rest.Json;
import dev.iod.rest.View;
import java.util.List;

/** The shapes of a snapshot in Cinder's API. */
final class SnapshotView {
    private static final String EXTENSION = "os-extended-snapshot-attributes:";

    private SnapshotView() {}

    /** In lists, and what answers say to those who make or change one. */
    static final View<VolumeSnapshot> BRIEF =
            new View<>(
                    List.of(
                            field("id", (v, s) -> text(v.id().toString())),
                            field("created_at", (v, s) -> View.naiveTime(v.createdAt())),
                            field("updated_at", (v, s) -> View.naiveTime(v.updatedAt())),
                            field("name", (v, s) -> text(v.name())),
                            field("description", (v, s) -> text(v.description())),
                            field("volume_id", (v, s) -> text(v.volumeId().toString())),
                            field("status", (v, s) -> text(v.state().text())),
                            field("size", (v, s) -> number(v.sizeGib())),
                            field("metadata", (v, s) -> Json.object(v.metadata()))));

    /** What they say to those who look. */
    static final View<VolumeSnapshot> DETAIL =
            BRIEF.with(field(EXTENSION + "project_id", (v, s) -> text(v.projectId())))
                    .with(
                            field(
                                    EXTENSION + "progress",
                                    (v, s) ->
                                            text(v.present() == Presence.COMING ? "0%" : "100%")));
}
