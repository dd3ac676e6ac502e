package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The guest image iod-micro, built once per checkout, and machines made from it. */
final class Image {
    private static final Path DIRECTORY = Path.of("../target/iod-micro").toAbsolutePath();

    private Image() {}

    static void build() throws IOException, InterruptedException {
        Path log = Path.of("target/image.log");
        Process build =
                new ProcessBuilder("../guest/build", DIRECTORY.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        assertThat(build.waitFor()).as(() -> "guest/build; its output is in " + log).isZero();
    }

    static MachineSpec machine(String id, MachineModel model, Nic... nics) {
        return new MachineSpec(
                id, model, 1, 128, boot("panic=1 quiet"), new Devices(List.of(), List.of(nics)));
    }

    static Boot boot(String commandLine) {
        return new Boot.Kernel(
                DIRECTORY.resolve("vmlinuz").normalize(),
                DIRECTORY.resolve("initrd").normalize(),
                commandLine);
    }
}
