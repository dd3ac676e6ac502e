package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * OpenStack's own tests of the guideline "Powered Compute": here those of servers, volumes, images
 * and identity, with {@code --full} those of networks too.
 */
@ExtendWith(Region.Shared.class)
final class TempestTest {
    private static final int LIMIT_SECONDS = 1500;

    @Test
    void thePoweredGuideline(Region region) {
        String output =
                Boolean.getBoolean("iod.full")
                        ? region.iod(LIMIT_SECONDS, "tempest")
                        : region.iod(
                                LIMIT_SECONDS,
                                "tempest",
                                "--service",
                                "compute,volume,image,identity");
        assertThat(output.lines().toList().getLast())
                .startsWith("tempest: ")
                .contains(" 0 failed,");
    }
}
