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
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.databind.node.ObjectNode;

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

    /** What answers say to those who make or change one. */
    // Nothing here is encrypted, replicated, shared or in a group.
    static final View<Volume> MADE =
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
                            field("snapshot_id", (v, s) -> id(v.snapshotId())),
                            field("source_volid", (v, s) -> id(v.sourceVolid())),
                            field("metadata", (v, s) -> Json.object(v.metadata())),
                            field("links", (v, s) -> CinderStyle.links(s, v.id().toString())),
                            field("user_id", (v, s) -> text(v.userId())),
                            field("bootable", (v, s) -> text(Boolean.toString(v.bootable()))),
                            field("encrypted", (v, s) -> truth(false)),
                            field("replication_status", (v, s) -> nothing()),
                            field("consistencygroup_id", (v, s) -> nothing()),
                            field("multiattach", (v, s) -> truth(false)),
                            field("attachments", VolumeView::attachments),
                            admin(0, "migration_status", (v, s) -> nothing())));

    /** What they say to those who look. */
    static final View<Volume> DETAIL =
            MADE.with(field("os-vol-tenant-attr:tenant_id", (v, s) -> text(v.projectId())))
                    .with(
                            admin(
                                    0,
                                    "os-vol-host-attr:host",
                                    (v, s) -> text(v.node().map(Hosts::pool))))
                    .with(
                            field(
                                    "volume_image_metadata",
                                    (v, s) ->
                                            v.imageMetadata().isEmpty()
                                                    ? MissingNode.getInstance()
                                                    : Json.object(v.imageMetadata())));

    private static JsonNode id(Optional<UUID> id) {
        return text(id.map(UUID::toString));
    }

    private static ArrayNode attachments(Volume volume, View.Scope scope) {
        ArrayNode attachments = Json.array();
        if (volume.state() == Status.ATTACHING) {
            return attachments;
        }
        volume.serverId()
                .ifPresent(
                        server -> {
                            ObjectNode one = attachments.addObject();
                            one.put("id", volume.id().toString());
                            Json.put(
                                    one,
                                    "attachment_id",
                                    volume.attachmentId().map(UUID::toString));
                            one.put("volume_id", volume.id().toString());
                            one.put("server_id", server.toString());
                            // As in Cinder, hosts are for administrators.
                            Json.put(
                                    one,
                                    "host_name",
                                    scope.admin() ? volume.node() : Optional.empty());
                            Json.put(one, "device", volume.device());
                            one.set("attached_at", View.naiveTime(volume.attachedAt()));
                        });
        return attachments;
    }
}
