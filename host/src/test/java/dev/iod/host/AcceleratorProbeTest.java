package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The probe runs on the real QEMU; translation works everywhere, so it shows the probe itself. */
final class AcceleratorProbeTest {
    @TempDir Path scratch;

    @Test
    void theProbeGuestRunsThroughUnderTranslation() {
        assertThat(failure("qemu-system-x86_64")).isEmpty();
        assertThat(scratch).isEmptyDirectory();
    }

    @Test
    void aVmmThatEndsByItselfIsNoAccelerator() {
        assertThat(failure("true").orElseThrow()).startsWith("QEMU ended with status 0");
    }

    @Test
    void aVmmThatDoesNotExistIsNoAccelerator() {
        assertThat(failure("/nonexistent/qemu").orElseThrow()).contains("status 127");
    }

    private java.util.Optional<String> failure(String qemu) {
        return AcceleratorProbe.failure(
                qemu, Accelerator.TCG, VmmUser.of(TestDaemon.user()), scratch);
    }
}
