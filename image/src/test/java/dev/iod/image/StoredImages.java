package dev.iod.image;

import dev.iod.rest.testing.HttpCaller;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What becomes of uploads. */
final class StoredImages {
    private StoredImages() {}

    /** Waits until an image has a status. */
    static void await(HttpCaller caller, String path, String status) throws Exception {
        Eventually.is(status, () -> caller.get(path).json().path("status").asString(""));
    }

    /** Names of the files of a store. */
    static List<String> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
