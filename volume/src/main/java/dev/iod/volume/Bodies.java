package dev.iod.volume;

import static dev.iod.rest.Formats.body;
import static dev.iod.rest.Formats.nullable;
import static dev.iod.rest.Formats.optional;
import static dev.iod.rest.Formats.required;
import static dev.iod.rest.Formats.since;
import static dev.iod.rest.Formats.struct;

import dev.iod.rest.Formats;
import dev.iod.rest.Schema;
import dev.iod.rest.Schema.Anything;
import dev.iod.rest.Schema.Struct;
import dev.iod.rest.Schema.Text;
import dev.iod.rest.Schema.Whole;
import java.util.List;

/** The bodies of requests, as Cinder's schemas have them. */
final class Bodies {
    private static final int MAX_TEXT = 255;
    private static final Schema GIB = new Whole(1, Integer.MAX_VALUE);
    private static final Schema TEXT = nullable(new Text(0, MAX_TEXT, Formats.ANY));

    private Bodies() {}

    /** As in Cinder before 3.53, what is not known is ignored. */
    static final Schema CREATE =
            struct(
                    required(
                            "volume",
                            new Struct(
                                    List.of(
                                            optional("name", TEXT),
                                            optional("description", TEXT),
                                            optional("size", nullable(GIB)),
                                            optional("volume_type", TEXT),
                                            optional("metadata", nullable(Formats.METADATA)),
                                            optional("availability_zone", TEXT),
                                            optional("snapshot_id", nullable(Formats.ID)),
                                            optional("source_volid", nullable(Formats.ID)),
                                            optional("consistencygroup_id", nullable(Formats.ID)),
                                            optional("imageRef", TEXT),
                                            optional("image_id", TEXT),
                                            optional("multiattach", nullable(Formats.BOOLEAN))),
                                    true)),
                    optional("OS-SCH-HNT:scheduler_hints", nullable(new Struct(List.of(), true))));

    static final Schema UPDATE =
            body(
                    "volume",
                    struct(
                            optional("name", TEXT),
                            optional("description", TEXT),
                            optional("display_name", TEXT),
                            optional("display_description", TEXT),
                            optional("metadata", Formats.METADATA)));

    static final Schema CREATE_SNAPSHOT =
            body(
                    "snapshot",
                    struct(
                            optional("name", TEXT),
                            optional("display_name", TEXT),
                            optional("description", TEXT),
                            required("volume_id", nullable(Formats.ID)),
                            optional("force", Formats.BOOLEAN),
                            optional("metadata", nullable(Formats.METADATA))));

    static final Schema UPDATE_SNAPSHOT =
            body(
                    "snapshot",
                    struct(
                            optional("name", TEXT),
                            optional("description", TEXT),
                            optional("display_name", TEXT),
                            optional("display_description", TEXT)));

    static final Schema METADATA = body("metadata", Formats.METADATA);
    static final Schema META = body("meta", Formats.METADATA);
    static final Schema ACTION = new Struct(List.of(), true);
    static final Schema EXTEND = body("os-extend", struct(required("new_size", GIB)));
    static final Schema SET_BOOTABLE =
            body("os-set_bootable", struct(required("bootable", Formats.BOOLEAN)));
    static final Schema UPLOAD_IMAGE =
            body(
                    "os-volume_upload_image",
                    struct(
                            required("image_name", new Text(1, MAX_TEXT, Formats.ANY)),
                            optional("force", Formats.BOOLEAN),
                            optional("disk_format", TEXT),
                            optional("container_format", TEXT),
                            since(1, "visibility", TEXT),
                            since(1, "protected", Formats.BOOLEAN)));
    static final Schema FORCE_DELETE = body("os-force_delete", new Anything());

    static final Schema RESET_STATUS =
            body(
                    "os-reset_status",
                    struct(
                            optional("status", TEXT),
                            optional("attach_status", TEXT),
                            optional("migration_status", TEXT)));

    static Schema quotaSet(List<Schema.Property> resources) {
        return body("quota_set", new Struct(resources, false));
    }
}
