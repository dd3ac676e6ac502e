package dev.iod.image;

import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** The table {@code image_use}: images that something is being made of. */
final class ImageUses {
    private ImageUses() {}

    /**
     * Keeps an image until {@link #release}.
     *
     * @return false when there is no such image
     */
    static boolean hold(Handle handle, String imageId, UUID consumer) {
        boolean there =
                handle.createQuery("SELECT id FROM image WHERE id = :id FOR KEY SHARE")
                        .bind("id", imageId)
                        .mapTo(String.class)
                        .findOne()
                        .isPresent();
        if (there) {
            handle.execute(
                    "INSERT INTO image_use (consumer, image_id) VALUES (?, ?)", consumer, imageId);
        }
        return there;
    }

    static void release(Handle handle, UUID consumer) {
        handle.execute("DELETE FROM image_use WHERE consumer = ?", consumer);
    }

    /** Whether an image is held; nobody begins to hold it before the end of the transaction. */
    static boolean held(Handle handle, String imageId) {
        handle.createQuery("SELECT id FROM image WHERE id = :id FOR UPDATE")
                .bind("id", imageId)
                .mapTo(String.class)
                .list();
        return handle.createQuery("SELECT EXISTS (SELECT 1 FROM image_use WHERE image_id = :id)")
                .bind("id", imageId)
                .mapTo(Boolean.class)
                .one();
    }
}
