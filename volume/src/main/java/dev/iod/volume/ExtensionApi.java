package dev.iod.volume;

import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /extensions}: the parts of Cinder's API outside its core that are served here. */
final class ExtensionApi {
    /** Names, aliases and dates are Cinder's. */
    private enum Extension {
        ADMIN_ACTIONS(
                "AdminActions",
                "os-admin-actions",
                "2012-08-25",
                "Actions of administrators on volumes and snapshots."),
        AVAILABILITY_ZONES(
                "AvailabilityZones",
                "os-availability-zone",
                "2013-06-27",
                "The availability zones."),
        EXTENDED_SNAPSHOT_ATTRIBUTES(
                "ExtendedSnapshotAttributes",
                "os-extended-snapshot-attributes",
                "2012-06-19",
                "The project of a snapshot, and how far it is."),
        HOSTS("Hosts", "os-hosts", "2011-06-29", "What is on each host, for administrators."),
        QUOTAS("Quotas", "os-quota-sets", "2011-08-08", "Quotas of projects."),
        SERVICES("Services", "os-services", "2012-10-28", "The services and their state."),
        SNAPSHOT_ACTIONS(
                "SnapshotActions", "os-snapshot-actions", "2013-07-16", "Actions on snapshots."),
        USED_LIMITS("UsedLimits", "os-used-limits", "2013-10-03", "What of the limits is used."),
        VOLUME_ACTIONS("VolumeActions", "os-volume-actions", "2012-05-31", "Actions on volumes."),
        VOLUME_HOST_ATTRIBUTE(
                "VolumeHostAttribute", "os-vol-host-attr", "2011-11-03", "The host of a volume."),
        VOLUME_IMAGE_METADATA(
                "VolumeImageMetadata",
                "os-vol-image-meta",
                "2012-12-07",
                "Properties of the image that a volume was made of."),
        VOLUME_TENANT_ATTRIBUTE(
                "VolumeTenantAttribute",
                "os-vol-tenant-attr",
                "2011-11-03",
                "The project of a volume.");

        private final String title;
        private final String alias;
        private final String updated;
        private final String description;

        Extension(String title, String alias, String updated, String description) {
            this.title = title;
            this.alias = alias;
            this.updated = updated;
            this.description = description;
        }

        private ObjectNode view() {
            ObjectNode view = Json.object();
            view.put("name", title)
                    .put("alias", alias)
                    .put("description", description)
                    .put("updated", updated + "T00:00:00+00:00");
            view.putArray("links");
            return view;
        }
    }

    private ExtensionApi() {}

    static List<Route> routes() {
        return List.of(
                Route.get("/v3/extensions", ExtensionApi::list).may(Rule.READER),
                Route.get("/v3/extensions/{alias}", ExtensionApi::show).may(Rule.READER));
    }

    private static Response list(Request request) {
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("extensions");
        Stream.of(Extension.values()).map(Extension::view).forEach(array::add);
        return Response.ok(root);
    }

    private static Response show(Request request) {
        String alias = request.pathParameter("alias");
        ObjectNode root = Json.object();
        root.set(
                "extension",
                Stream.of(Extension.values())
                        .filter(extension -> extension.alias.equals(alias))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        ApiException.notFound(
                                                "The extension %s could not be found."
                                                        .formatted(alias)))
                        .view());
        return Response.ok(root);
    }
}
