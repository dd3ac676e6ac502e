package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.HttpCaller;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** What becomes of uploads. */
final class StoredImages {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private StoredImages() {}

    /** Waits until an image has a status. */
    static void await(HttpCaller caller, String path, String status) throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        String seen = "";
        while (!seen.equals(status) && System.nanoTime() < deadline) {
            seen = caller.get(path).json().path("status").asString("");
            Thread.sleep(10);
        }
        assertThat(seen).isEqualTo(status);
    }

    /** Names of the files of a store. */
    static List<String> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
