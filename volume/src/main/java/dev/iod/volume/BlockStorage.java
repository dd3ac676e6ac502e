package dev.iod.volume;

import dev.iod.image.CaptureWatcher;
import dev.iod.image.Images;
import dev.iod.region.NodeSessions;
import dev.iod.region.Service;
import dev.iod.rest.Route;
import dev.iod.store.Database;
import java.util.List;
import java.util.stream.Stream;

/** The block storage service: its API, its part of nodes' goals and what it does with reports. */
public final class BlockStorage {
    private BlockStorage() {}

    /** Tells volumes how it goes on with the images that are made of them. */
    public static CaptureWatcher captureWatcher() {
        return new VolumeImages.Watcher();
    }

    /**
     * {@code /volume}.
     *
     * @param images what volumes can start as
     * @param nodes whether those that are down may still come back
     */
    public static Service service(Database database, Images images, NodeSessions nodes) {
        VolumePlacement placement = new VolumePlacement(images, nodes);
        List<Route> routes =
                Stream.of(
                                VersionsApi.routes(),
                                new VolumeApi(
                                                database,
                                                new VolumeChanges(database, images, placement),
                                                new VolumeImages(database, images))
                                        .routes(),
                                new SnapshotApi(database, new SnapshotChanges(database)).routes(),
                                new VolumeTypeApi(database).routes(),
                                new MessageApi(database).routes(),
                                new QuotaApi(database).routes(),
                                new HostApi(database).routes(),
                                ExtensionApi.routes())
                        .flatMap(List::stream)
                        .toList();
        return Service.listed(
                        VolumeQuotas.SERVICE,
                        "cinder",
                        VersionsApi.PREFIX,
                        VersionsApi.VERSION_PATH,
                        new VolumeDialect(),
                        routes)
                .oldType("volumev3")
                .microversions(VersionsApi.MICROVERSIONS)
                .migrations("db/volume")
                .quotas(VolumeQuotas.ALL)
                .nodes(new VolumeGoals(), new VolumeObservations(images, placement))
                .build();
    }
}
