package dev.iod.dpu;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

/** The guest image iod-micro with a program of a test's own. */
final class GuestImage {
    private static final Path DIRECTORY = Path.of("../target/iod-micro").toAbsolutePath();
    private static final int EXECUTABLE = 0100755;

    private GuestImage() {}

    static void build() throws IOException, InterruptedException {
        Path log = Path.of("target/image.log");
        Files.createDirectories(log.resolveSibling(""));
        Process build =
                new ProcessBuilder("../guest/build", DIRECTORY.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        assertThat(build.waitFor()).as(() -> "guest/build; its output is in " + log).isZero();
    }

    static Path kernel() {
        return DIRECTORY.resolve("vmlinuz").normalize();
    }

    static Path initrd() {
        return DIRECTORY.resolve("initrd").normalize();
    }

    /**
     * The initial file system with a shell script that is run after the boot, for ever. Linux
     * unpacks archives that follow each other over each other.
     */
    static Path initrd(Path target, String script) throws IOException {
        String inittab = Files.readString(Path.of("../guest/root/etc/inittab"));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(Files.readAllBytes(initrd()));
        try (GZIPOutputStream archive = new GZIPOutputStream(out)) {
            entry(archive, "etc/inittab", inittab + "::respawn:/test\n");
            entry(archive, "test", script);
            entry(archive, "TRAILER!!!", "");
        }
        return Files.write(target, out.toByteArray());
    }

    /** One file in the "new ASCII" form of cpio(5). */
    private static void entry(GZIPOutputStream archive, String name, String text)
            throws IOException {
        byte[] content = text.getBytes(UTF_8);
        int[] fields = {
            0, EXECUTABLE, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length() + 1, 0
        };
        StringBuilder header = new StringBuilder("070701");
        for (int field : fields) {
            header.append("%08X".formatted(field));
        }
        header.append(name).append('\0');
        archive.write(header.toString().getBytes(US_ASCII));
        archive.write(new byte[-header.length() & 3]);
        archive.write(content);
        archive.write(new byte[-content.length & 3]);
    }
}
