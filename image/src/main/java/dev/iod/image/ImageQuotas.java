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

    /**
     * What its images take: the bytes uploaded, the disks made of them without their zeros, and
     * what is reserved for bytes that arrive.
     */
    static final Quota BYTES =
            new Quota(
                    "image",
                    "image_bytes",
                    1L << 40,
                    count("coalesce(sum(%s), 0)".formatted(ImageStore.HELD_BYTES)));

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
                            throw refused(excess, amount);
                        });
    }

    /**
     * Makes an image whose bytes arrive hold so much of its project's {@link #BYTES}, or as much as
     * there is.
     *
     * @param least bytes in all that it has to hold
     * @param wanted at least that many
     * @return what it holds now
     * @throws ApiException 413 when the project has too little left
     */
    static long hold(Handle handle, Image image, long least, long wanted) {
        long held = ImageStore.heldBytes(handle, image.id());
        if (wanted <= held) {
            return held;
        }
        long holds =
                Quotas.claim(handle, image.owner(), BYTES, wanted - held)
                        .map(excess -> held + Math.max(0, excess.limit() - excess.used()))
                        .orElse(wanted);
        if (holds < least) {
            claim(handle, image.owner(), BYTES, least - held);
        }
        ImageStore.reserve(handle, image.id(), holds);
        return holds;
    }

    private static ApiException refused(Quotas.Excess excess, long amount) {
        return new ApiException(
                Fault.TOO_LARGE,
                "The project's limit of %d for %s is exceeded: it has %d and wants %d more."
                        .formatted(
                                excess.limit(), excess.quota().resource(), excess.used(), amount));
    }

    /** The table calls its projects owners. */
    private static Quota.Counter count(String sum) {
        String sql = "SELECT " + sum + " FROM image WHERE owner = :project";
        return (handle, project) ->
                handle.createQuery(sql).bind("project", project).mapTo(Long.class).one();
    }
}
