package dev.iod.volume;

import dev.iod.region.Quota;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.Handle;

/** What a project may have of the block storage service, and how Cinder refuses it (413). */
final class VolumeQuotas {
    static final String SERVICE = "block-storage";

    static final Quota VOLUMES = Quota.ofRows(SERVICE, "volumes", 10, "volume");
    static final Quota GIGABYTES =
            new Quota(
                    SERVICE,
                    "gigabytes",
                    1000,
                    (handle, project) ->
                            handle.createQuery(
                                            "SELECT (SELECT coalesce(sum(target_gib), 0) FROM volume"
                                                    + " WHERE project_id = :project)"
                                                    + " + (SELECT coalesce(sum(size_gib), 0)"
                                                    + " FROM volume_snapshot"
                                                    + " WHERE project_id = :project)")
                                    .bind("project", project)
                                    .mapTo(Long.class)
                                    .one());
    static final Quota SNAPSHOTS = Quota.ofRows(SERVICE, "snapshots", 10, "volume_snapshot");
    static final Quota PER_VOLUME = Quota.bound(SERVICE, "per_volume_gigabytes", Quota.UNLIMITED);

    /** In the order of Cinder's answers; of what there is none of, nobody may have any. */
    static final List<Quota> ALL =
            List.of(
                    VOLUMES,
                    SNAPSHOTS,
                    GIGABYTES,
                    Quota.bound(SERVICE, "backups", 0),
                    Quota.bound(SERVICE, "backup_gigabytes", 0),
                    PER_VOLUME,
                    Quota.bound(SERVICE, "groups", 0));

    private VolumeQuotas() {}

    /**
     * Claims a new volume.
     *
     * @throws ApiException 413
     */
    static void claim(Handle handle, String project, long gib) {
        claim(handle, project, List.of(gib));
    }

    /**
     * Claims new volumes, with their sizes.
     *
     * @throws ApiException 413
     */
    static void claim(Handle handle, String project, List<Long> gib) {
        gib.forEach(one -> bound(handle, project, one));
        Quotas.claim(handle, project, VOLUMES, gib.size())
                .ifPresent(
                        excess -> {
                            throw tooMuch(
                                    ("VolumeLimitExceeded: Maximum number of volumes allowed (%d)"
                                                    + " exceeded for quota 'volumes'.")
                                            .formatted(excess.limit()));
                        });
        gigabytes(handle, project, gib.stream().mapToLong(Long::longValue).sum());
    }

    /**
     * Claims a new snapshot, which counts as large as its volume.
     *
     * @throws ApiException 413
     */
    static void claimSnapshot(Handle handle, String project, long gib) {
        gigabytes(handle, project, gib);
        snapshots(handle, project, 1);
    }

    private static void snapshots(Handle handle, String project, int more) {
        Quotas.claim(handle, project, SNAPSHOTS, more)
                .ifPresent(
                        excess -> {
                            throw tooMuch(
                                    ("SnapshotLimitExceeded: Maximum number of snapshots allowed"
                                                    + " (%d) exceeded")
                                            .formatted(excess.limit()));
                        });
    }

    /**
     * Claims what a volume grows by.
     *
     * @throws ApiException 413
     */
    static void claimGrowth(Handle handle, Volume volume, long gib) {
        bound(handle, volume.projectId(), gib);
        gigabytes(handle, volume.projectId(), gib - volume.targetGib());
    }

    private static void bound(Handle handle, String project, long gib) {
        long limit = Quotas.limit(handle, project, PER_VOLUME);
        if (Quotas.exceeds(gib, limit)) {
            throw tooMuch(
                    ("VolumeSizeExceedsLimit: Requested volume size %dG is larger than maximum"
                                    + " allowed limit %dG.")
                            .formatted(gib, limit));
        }
    }

    private static void gigabytes(Handle handle, String project, long more) {
        Quotas.claim(handle, project, GIGABYTES, more)
                .ifPresent(
                        excess -> {
                            throw tooMuch(
                                    ("VolumeSizeExceedsAvailableQuota: Requested volume or snapshot"
                                                    + " exceeds allowed gigabytes quota. Requested"
                                                    + " %dG, quota is %dG and %dG has been"
                                                    + " consumed.")
                                            .formatted(more, excess.limit(), excess.used()));
                        });
    }

    private static ApiException tooMuch(String message) {
        return new ApiException(Fault.TOO_LARGE, message);
    }

    static Map<Quota, Long> limits(Handle handle, String project) {
        return Quotas.limits(handle, project, ALL);
    }
}
