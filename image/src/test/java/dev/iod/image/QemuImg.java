package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Debian's {@code qemu-img}, which makes images and says what they are. */
final class QemuImg {
    private QemuImg() {}

    static String run(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("qemu-img"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    static long virtualBytes(String driver, Path image) throws Exception {
        String info = run("info", "-f", driver, "--output=json", image.toString());
        return Json.parse(info.getBytes(StandardCharsets.UTF_8)).path("virtual-size").longValue();
    }
}
