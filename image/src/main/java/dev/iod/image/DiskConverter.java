package dev.iod.image;

import dev.iod.rest.ApiException;
import java.nio.file.Path;

/** Makes the raw disk of an image of another format. */
@FunctionalInterface
interface DiskConverter {
    /**
     * Makes one, in turn with those of other projects. Returns when the disk is written; that it is
     * on stable media is the caller's business.
     *
     * @param project whose image it is; one of a project is converted at a time
     * @param shape what was found out of the image; its format has a driver
     * @param image read
     * @param disk made, with holes where the image has nothing
     * @throws ApiException 415 when the image is damaged or its disk too large, 503 when it cannot
     *     be done now
     */
    void convert(String project, DiskShape shape, Path image, Path disk);
}
