package dev.iod.volume;

import static dev.iod.rest.View.admin;
import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
import static dev.iod.rest.View.number;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;

import dev.iod.rest.Json;
import dev.iod.rest.View;
import java.util.List;

/** The shapes of a volume in Cinder's API. */
final class VolumeView {
    /** The only zone. */
    static final String ZONE = "nova";

    private VolumeView() {}

    static final View<Volume> BRIEF =
            new View<>(
                    List.of(
                            field("id", (v, s) -> text(v.id().toString())),
                            field("name", (v, s) -> text(v.name())),
                            field("links", (v, s) -> CinderStyle.links(s, v.id().toString()))));

    // Nothing here is made of something else, encrypted, replicated, shared or in a group.
    static final View<Volume> DETAIL =
            new View<>(
                    List.of(
                            field("id", (v, s) -> text(v.id().toString())),
                            field("status", (v, s) -> text(v.state().text())),
                            field("size", (v, s) -> number(v.sizeGib())),
                            field("availability_zone", (v, s) -> text(ZONE)),
                            field("created_at", (v, s) -> View.naiveTime(v.createdAt())),
                            field("updated_at", (v, s) -> View.naiveTime(v.updatedAt())),
                            field("name", (v, s) -> text(v.name())),
                            field("description", (v, s) -> text(v.description())),
                            field("volume_type", (v, s) -> text(v.typeName())),
                            field("snapshot_id", (v, s) -> nothing()),
                            field("source_volid", (v, s) -> nothing()),
                            field("metadata", (v, s) -> Json.object(v.metadata())),
                            field("links", (v, s) -> CinderStyle.links(s, v.id().toString())),
                            field("user_id", (v, s) -> text(v.userId())),
                            field("bootable", (v, s) -> text(Boolean.toString(v.bootable()))),
                            field("encrypted", (v, s) -> truth(false)),
                            field("replication_status", (v, s) -> nothing()),
                            field("consistencygroup_id", (v, s) -> nothing()),
                            field("multiattach", (v, s) -> truth(false)),
                            field("attachments", (v, s) -> Json.array()),
                            field("os-vol-tenant-attr:tenant_id", (v, s) -> text(v.projectId())),
                            admin(0, "migration_status", (v, s) -> nothing()),
                            admin(
                                    0,
                                    "os-vol-host-attr:host",
                                    (v, s) -> text(v.node().map(Hosts::pool))),
                            admin(0, "os-vol-mig-status-attr:migstat", (v, s) -> nothing()),
                            admin(0, "os-vol-mig-status-attr:name_id", (v, s) -> nothing())));
}
