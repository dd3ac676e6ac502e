package dev.iod.region;

import java.nio.file.Path;
import java.util.Optional;

/** Where the bytes of images are that nodes fetch. The image service has them. */
@FunctionalInterface
public interface ImageParts {
    /** The file of an image's bytes; empty when there is no such image or it has no bytes yet. */
    Optional<Path> file(String imageId);
}
