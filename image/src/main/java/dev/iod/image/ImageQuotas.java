package dev.iod.image;

import dev.iod.region.Quota;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import java.util.List;
import org.jdbi.v3.core.Handle;

/** What a project may have of the image service. */
final class ImageQuotas {
    static final Quota IMAGES = new Quota("image", "images", 1000, count("count(*)"));

    /** What its images take: the bytes uploaded, and the disks made of them without their zeros. */
    static final Quota BYTES =
            new Quota(
                    "image",
                    "image_bytes",
                    1L << 40,
                    count("coalesce(sum(size_bytes + coalesce(disk_stored_bytes, 0)), 0)"));

    static final List<Quota> ALL = List.of(IMAGES, BYTES);

    private ImageQuotas() {}

    /**
     * Claims images or bytes, in the transaction that makes them.
     *
     * @throws ApiException 413 when the project has enough
     */
    static void claim(Handle handle, String project, Quota quota, long amount) {
        Quotas.claim(handle, project, quota, amount)
                .ifPresent(
                        excess -> {
                            throw new ApiException(
                                    Fault.TOO_LARGE,
                                    "The project's limit of %d for %s is exceeded: it has %d and"
                                                    .formatted(
                                                            excess.limit(),
                                                            quota.resource(),
                                                            excess.used())
                                            + " wants %d more.".formatted(amount));
                        });
    }

    /** The table calls its projects owners. */
    private static Quota.Counter count(String sum) {
        String sql = "SELECT " + sum + " FROM image WHERE owner = :project";
        return (handle, project) ->
                handle.createQuery(sql).bind("project", project).mapTo(Long.class).one();
    }
}
