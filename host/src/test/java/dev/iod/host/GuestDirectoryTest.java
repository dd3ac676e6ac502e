package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The NVRAM of a machine. */
class GuestDirectoryTest {
    @TempDir Path directory;
    private final VmmUser user = VmmUser.of(TestDaemon.user());
    private GuestDirectory machine;
    private Path template;

    @BeforeEach
    void create() throws IOException {
        machine = new GuestDirectory(directory.resolve("machine"));
        machine.create(user);
        template = Files.writeString(directory.resolve("template"), "template");
    }

    private static Disk disk(String id) {
        return new Disk(id, Path.of("/run/" + id + ".sock"));
    }

    private void boots(String... disks) throws IOException {
        machine.keepVariables(
                Stream.of(disks).map(GuestDirectoryTest::disk).toList(), template, user);
    }

    private List<String> files() throws IOException {
        try (Stream<Path> all = Files.list(machine.vmm())) {
            return all.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void eachDiskThatIsBootedHasAnNvramThatGoesWithIt() throws IOException {
        boots("root-1", "data");
        Path own = machine.vmm().resolve("nvram-root-1.fd");
        assertThat(own).hasContent("template");
        Files.writeString(own, "entries");
        boots("rescue-1", "root-1", "data");
        assertThat(machine.vmm().resolve("nvram-rescue-1.fd")).hasContent("template");
        boots("root-1", "data");
        assertThat(own).as("what it was before the rescue").hasContent("entries");
        assertThat(files()).containsExactly("nvram-root-1.fd");
        boots("root-1-1", "data");
        assertThat(files()).as("after a rebuild").containsExactly("nvram-root-1-1.fd");
        assertThat(machine.vmm().resolve("nvram-root-1-1.fd")).hasContent("template");
    }

    @Test
    void theNvramOfTheReleaseBeforeIsThatOfTheBootedDisk() throws IOException {
        Files.writeString(machine.vmm().resolve("nvram.fd"), "entries");
        boots("root-1");
        assertThat(files()).containsExactly("nvram-root-1.fd");
        assertThat(machine.vmm().resolve("nvram-root-1.fd")).hasContent("entries");
    }
}
