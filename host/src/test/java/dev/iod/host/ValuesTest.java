package dev.iod.host;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the records, the protocol's forms and the configuration accept and refuse. */
final class ValuesTest {
    private static final Path SOCKET = Path.of("/run/p.sock");

    @TempDir Path directory;

    @Test
    void aSpecificationSurvivesTheWire() {
        Nic nic = new Nic("port-1", "02:00:00:00:00:01", 1442, SOCKET);
        MachineSpec spec = spec("a1", 2, 512, "name=\"x\" \\", List.of(nic));
        Fields read = Fields.parse(Json.line(Map.of("spec", Wire.of(spec))));
        assertThat(Wire.read(MachineSpec.class, read.fields("spec"))).isEqualTo(spec);
        MachineSpec disk =
                new MachineSpec(
                        "a2",
                        MachineModel.Q35,
                        1,
                        64,
                        new Boot.FirstDisk(Firmware.BIOS),
                        new Devices(List.of(new Disk("d", SOCKET)), List.of()));
        assertThat(Wire.read(MachineSpec.class, Fields.parse(Json.line(Wire.of(disk)))))
                .isEqualTo(disk);
    }

    @Test
    void theFormsAreAsTheProtocolSays() {
        Nic nic = new Nic("port-1", "02:00:00:00:00:01", 1442, SOCKET);
        assertThat(new String(Json.line(Wire.of(spec("a1", 2, 512, "quiet", List.of(nic)))), UTF_8))
                .isEqualTo(
                        """
                        {"id":"a1","model":"microvm","vcpus":2,"memoryMib":512,\
                        "boot":{"type":"kernel","kernel":"/kernel","initrd":"/initrd",\
                        "commandLine":"quiet"},"devices":{"disks":[],"nics":[{"type":"nic",\
                        "id":"port-1","mac":"02:00:00:00:00:01","mtu":1442,"socket":"/run/p.sock"}]}}
                        """);
        assertThat(new String(Json.line(Wire.of(status(new Disk("d", SOCKET), "so"))), UTF_8))
                .isEqualTo(
                        """
                        {"id":"a1","state":"running","reason":"","pid":7,"startedAtMillis":8,\
                        "devices":[{"device":{"type":"disk","id":"d","socket":"/run/p.sock"},\
                        "state":"detaching","reason":"so"}]}
                        """);
    }

    private static MachineStatus status(Device device, String reason) {
        return new MachineStatus(
                "a1",
                MachineState.RUNNING,
                "",
                7,
                8,
                List.of(new DeviceStatus(device, DeviceState.DETACHING, reason)));
    }

    @Test
    void theListOfAsManyMachinesAndDevicesAsThereMayBeFitsALine() {
        String id = "i".repeat(64);
        Path socket = Path.of("/" + "s".repeat(106));
        DeviceStatus device =
                new DeviceStatus(
                        new Nic(id, "02:00:00:00:00:01", 65535, socket),
                        DeviceState.ATTACHING,
                        "\"".repeat(1000));
        assertThat(device.reason()).hasSize(DeviceStatus.MAX_REASON);
        MachineStatus machine =
                new MachineStatus(
                        id,
                        MachineState.RUNNING,
                        "",
                        Integer.MAX_VALUE,
                        Long.MAX_VALUE,
                        Collections.nCopies(MachineStatus.MAX_DEVICES, device));
        List<?> list = Collections.nCopies(Machines.MAX_MACHINES, Wire.of(machine));
        assertThat(Json.line(Map.of("id", Long.MAX_VALUE, "machines", list)).length)
                .isLessThanOrEqualTo(Lines.MAX_REPLY_BYTES);
    }

    @Test
    void aStatusSurvivesTheWire() {
        MachineStatus status =
                MachineStatus.without("a1", MachineState.FAILED, "line\n\u0000\ud83d\ude00", 8);
        assertThat(Wire.read(MachineStatus.class, Fields.parse(Json.line(Wire.of(status)))))
                .isEqualTo(status);
        MachineStatus running = status(new Nic("n", "02:00:00:00:00:01", 1442, SOCKET), "why");
        assertThat(Wire.read(MachineStatus.class, Fields.parse(Json.line(Wire.of(running)))))
                .isEqualTo(running);
        refused(
                () ->
                        Wire.read(
                                MachineStatus.class,
                                Fields.parse("{\"id\":\"a\",\"state\":\"odd\"}".getBytes(UTF_8))),
                "state: unknown odd");
    }

    @Test
    void valuesOutOfRangeAreRefusedByName() {
        refused(() -> spec("../a", 1, 256, "", List.of()), "machine id");
        refused(() -> spec("a", 0, 256, "", List.of()), "vcpus 0");
        refused(() -> spec("a", 65, 256, "", List.of()), "vcpus 65");
        refused(() -> spec("a", 1, 63, "", List.of()), "memoryMib 63");
        refused(() -> spec("a", 1, 256, "two\nlines", List.of()), "commandLine");
        refused(() -> new Nic("p", "01:00:00:00:00:01", 1442, SOCKET), "unicast");
        refused(() -> new Nic("p", "02:00:00:00:00:01,x=y", 1442, SOCKET), "mac");
        refused(() -> new Nic("p", "02:00:00:00:00:01", 67, SOCKET), "mtu 67");
        refused(() -> new Nic("p", "02:00:00:00:00:01", 1442, Path.of("p")), "absolute");
        refused(() -> new Nic("p", "02:00:00:00:00:01", 1442, Path.of("/")), "absolute");
        Nic nic = new Nic("p", "02:00:00:00:00:01", 1442, SOCKET);
        refused(() -> spec("a", 1, 256, "", List.of(nic, nic)), "different ids");
        Nic other = new Nic("q", "02:00:00:00:00:01", 1442, SOCKET);
        refused(() -> new Devices(List.of(), List.of(nic, other)), "different sockets");
        refused(
                () -> new Devices(List.of(new Disk("p", Path.of("/d"))), List.of(nic)),
                "different ids");
        refused(() -> new Devices(List.of(), Collections.nCopies(9, nic)), "nics: expected");
        refused(
                () -> machine(MachineModel.Q35, new Boot.FirstDisk(Firmware.BIOS), Devices.NONE),
                "no disk to boot from");
        Devices disk = new Devices(List.of(new Disk("d", SOCKET)), List.of());
        refused(
                () -> machine(MachineModel.MICROVM, new Boot.FirstDisk(Firmware.BIOS), disk),
                "boots a kernel only");
        assertThat(machine(MachineModel.Q35, new Boot.FirstDisk(Firmware.BIOS), disk).devices())
                .isEqualTo(disk);
    }

    @Test
    void aConfigurationNamesWhatIsWrongWithIt() throws IOException {
        Path file = directory.resolve("host.properties");
        Files.writeString(file, "socket=/s\ndirectory=/d\nsockte=/x\n");
        refused(() -> Config.read(file), "unknown keys [sockte]");
        Files.writeString(file, "socket=/s\n");
        refused(() -> Config.read(file), "key directory is missing");
        Files.writeString(file, "socket=/s\ndirectory=/d\naccelerator=fast\n");
        refused(() -> Config.read(file), "expected auto, kvm or tcg");
        Files.writeString(file, "socket=/s\ndirectory=/d\nstart-millis=0\n");
        refused(() -> Config.read(file), "expected 1 to 600000");
        Files.writeString(file, "socket=/s\ndirectory=/d\naccelerator=tcg\n");
        assertThat(Config.read(file))
                .isEqualTo(
                        new Config(
                                Path.of("/s"),
                                Path.of("/d"),
                                "iod-qemu",
                                "qemu-system-x86_64",
                                Optional.of(Accelerator.TCG),
                                30_000));
    }

    @Test
    void aFirmwareThatIsNotInstalledIsNamed() {
        Path here = Path.of("pom.xml");
        new Firmware.Flash(here, here).check();
        assertThatThrownBy(() -> new Firmware.Flash(here, Path.of("/nowhere/vars.fd")).check())
                .isInstanceOf(HostException.class)
                .hasMessageContaining("/nowhere/vars.fd")
                .hasMessageContaining("install the package ovmf");
    }

    @Test
    void aSocketPathThatIsTooLongIsRefused() {
        refused(() -> SocketPath.address(Path.of("/" + "a".repeat(107))), "longer than 107 bytes");
        Path here = Path.of("").toAbsolutePath().resolve("x.sock");
        assertThat(SocketPath.address(here).getPath()).isEqualTo(Path.of("x.sock"));
    }

    @Test
    void theTimeStampCounterIsFoundInOtherPlaces() throws IOException {
        Path cpuinfo = directory.resolve("cpuinfo");
        Files.writeString(cpuinfo, "cpu MHz\t\t: 2596.140\n");
        assertThat(TimestampCounter.fromProcessor(cpuinfo)).hasValue(2_596_140);
        Files.writeString(cpuinfo, "model name\t: X @ 2.60GHz\ncpu MHz\t\t: 3100.000\n");
        assertThat(TimestampCounter.fromProcessor(cpuinfo)).hasValue(2_600_000);
        assertThat(TimestampCounter.fromProcessor(directory.resolve("none"))).isEmpty();
    }

    @Test
    void aProcessIsItsNumberAndItsStart() throws Exception {
        Process sleep = new ProcessBuilder("sleep", "60").directory(directory.toFile()).start();
        GuestProcess process = GuestProcess.of(sleep.pid()).orElseThrow();
        assertThat(GuestProcess.find(process.pid(), process.startTicks())).isPresent();
        assertThat(GuestProcess.find(process.pid(), process.startTicks() + 1)).isEmpty();
        assertThat(GuestProcess.in(directory)).hasSize(1);

        process.kill();
        sleep.waitFor();

        assertThat(process.alive()).isFalse();
        assertThat(GuestProcess.in(directory)).isEmpty();
    }

    private static MachineSpec spec(
            String id, int vcpus, long memoryMib, String commandLine, List<Nic> nics) {
        return new MachineSpec(
                id,
                MachineModel.MICROVM,
                vcpus,
                memoryMib,
                new Boot.Kernel(Path.of("/kernel"), Path.of("/initrd"), commandLine),
                new Devices(List.of(), nics));
    }

    private static MachineSpec machine(MachineModel model, Boot boot, Devices devices) {
        return new MachineSpec("a", model, 1, 64, boot, devices);
    }

    private static void refused(ThrowingCallable call, String words) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        HostException.class,
                        e -> assertThat(e.category()).isEqualTo(HostException.Category.INVALID))
                .hasMessageContaining(words);
    }
}
