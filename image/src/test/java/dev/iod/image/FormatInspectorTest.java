package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.rest.ApiException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Images that {@code qemu-img} made, and hostile ones made of them by hand. */
class FormatInspectorTest {
    private static final long MIB = 1 << 20;

    @TempDir Path directory;

    @ParameterizedTest
    @CsvSource({
        "qcow2, QCOW2, compat=0.10",
        "qcow2, QCOW2, compat=1.1",
        "qcow2, QCOW2, 'compat=1.1,extended_l2=on,compression_type=zstd'",
        "qcow2, QCOW2, 'compat=1.1,lazy_refcounts=on,cluster_size=2M'",
        "vmdk, VMDK, subformat=monolithicSparse",
        "vmdk, VMDK, subformat=streamOptimized",
        "vpc, VHD, 'subformat=dynamic,force_size=on'",
        "vpc, VHD, 'subformat=fixed,force_size=on'",
        "vhdx, VHDX, subformat=dynamic",
        "vhdx, VHDX, subformat=fixed",
        "vdi, VDI, static=off",
        "vdi, VDI, static=on",
    })
    void whatQemuMakesIsKnown(String driver, DiskFormat format, String options) throws Exception {
        Path image = create(driver, options, 48 * MIB);
        assertThat(FormatInspector.inspect(image)).isEqualTo(new DiskShape(format, 48 * MIB));
        assertThat(QemuImg.virtualBytes(driver, image)).isEqualTo(48 * MIB);
    }

    @Test
    void whatIsNothingElseIsRaw() throws Exception {
        for (byte[] bytes :
                new byte[][] {
                    new byte[0],
                    {1},
                    "#!/bin/sh\necho no version\n".getBytes(StandardCharsets.US_ASCII),
                    new byte[70_000]
                }) {
            assertThat(FormatInspector.inspect(file(bytes)))
                    .isEqualTo(new DiskShape(DiskFormat.RAW, bytes.length));
        }
    }

    @Test
    void anOpticalDiscSaysHowLargeItIs() throws Exception {
        byte[] disc = new byte[40_000];
        ByteBuffer bytes = ByteBuffer.wrap(disc).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(0x8000, (byte) 1).put(0x8001, "CD001".getBytes(StandardCharsets.US_ASCII));
        bytes.putInt(0x8000 + 80, 300).putShort(0x8000 + 128, (short) 2048);
        assertThat(FormatInspector.inspect(file(disc)))
                .isEqualTo(new DiskShape(DiskFormat.ISO, 300 * 2048));
        bytes.put(0x8001, "NSR03".getBytes(StandardCharsets.US_ASCII)).put(0x8000, (byte) 0);
        assertThat(FormatInspector.inspect(file(disc)).format()).isEqualTo(DiskFormat.ISO);
        bytes.putInt(0, 0x4b444d56); // "VMDK" backwards, as it is in the file
        bytes.put(0, "KDMV".getBytes(StandardCharsets.US_ASCII));
        refused(file(disc), "several formats at once: vmdk, iso");
    }

    /** Of a disc without ISO 9660, with sectors of 2,048 and of 4,096 bytes. */
    @ParameterizedTest
    @CsvSource({"2048, NSR02", "2048, NSR03", "4096, NSR03"})
    void aDiscOfUdfAloneIsOne(int sector, String nsr) throws Exception {
        byte[] disc = new byte[100_000];
        List<String> sequence = List.of("BEA01", "BOOT2", nsr, "TEA01");
        for (int i = 0; i < sequence.size(); i++) {
            byte[] id = sequence.get(i).getBytes(StandardCharsets.US_ASCII);
            System.arraycopy(id, 0, disc, 0x8000 + i * sector + 1, id.length);
        }
        assertThat(FormatInspector.inspect(file(disc)))
                .isEqualTo(new DiskShape(DiskFormat.ISO, disc.length));
    }

    /** QEMU rounds the size of a file up to sectors, and has a disk where we would see none. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 255, 400})
    void aFooterIsFoundWhereQemuFindsIt(int more) throws Exception {
        Path whole = create("vpc", "subformat=fixed,force_size=on", MIB);
        byte[] fixed = Files.readAllBytes(whole);
        // The footer's own end is cut off, or the disk before it is longer.
        Path cut = file(Arrays.copyOf(fixed, fixed.length - more));
        assertThat(FormatInspector.inspect(cut)).isEqualTo(new DiskShape(DiskFormat.VHD, MIB));
        assertThat(QemuImg.virtualBytes("vpc", cut)).isEqualTo(MIB);
        if (more > 0) {
            byte[] shifted = new byte[fixed.length + more];
            System.arraycopy(fixed, 0, shifted, more, fixed.length);
            refused(file(shifted), "its footer is not where it belongs");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 255, 511})
    void aFooterOfVmdkToo(int cut) throws Exception {
        Path image = create("vmdk", "", MIB);
        byte[] good = Files.readAllBytes(image);
        byte[] all = Arrays.copyOf(good, good.length + 1536 - cut);
        // A marker, the header again, the end.
        System.arraycopy(good, 0, all, good.length + 512, 512);
        Files.write(image, all);
        ByteBuffer atEnd = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, -1);
        patch(image, 56, atEnd);
        assertThat(FormatInspector.inspect(image).virtualBytes()).isEqualTo(MIB);
        ByteBuffer other = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 9);
        patch(image, good.length + 512 + 12, other);
        refused(image, "differ");
    }

    @Test
    void anExtentThatIsOnlyReadIsTaken() throws Exception {
        Path image = directory.resolve("v.vmdk");
        QemuImg.run("create", "-q", "-f", "vmdk", image.toString(), "1M");
        byte[] good = Files.readAllBytes(image);
        String text = new String(good, 512, 10_240, StandardCharsets.ISO_8859_1);
        String plain = text.substring(0, text.indexOf('\0'));
        for (String access : List.of("RDONLY", "RW")) {
            Files.write(image, good);
            ByteBuffer changed = ByteBuffer.allocate(10_240);
            changed.put(
                    plain.replace("RW 2048", access + " 2048")
                            .getBytes(StandardCharsets.ISO_8859_1));
            patch(image, 512, changed);
            assertThat(FormatInspector.inspect(image))
                    .isEqualTo(new DiskShape(DiskFormat.VMDK, MIB));
        }
        for (String extent :
                List.of(
                        "RDONLY 2048 FLAT \"v.vmdk\" 0",
                        "RDONLY 2048 SPARSE \"/etc/shadow\"",
                        "NOACCESS 2048 SPARSE \"v.vmdk\"")) {
            Files.write(image, good);
            ByteBuffer changed = ByteBuffer.allocate(10_240);
            changed.put(
                    plain.replace("RW 2048 SPARSE \"v.vmdk\"", extent)
                            .getBytes(StandardCharsets.ISO_8859_1));
            patch(image, 512, changed);
            refused(image, "in other files");
        }
    }

    @Test
    void aBackingFileIsRefused() throws Exception {
        Path backing = create("qcow2", "compat=1.1", MIB);
        Path child = directory.resolve("child");
        QemuImg.run(
                "create",
                "-q",
                "-f",
                "qcow2",
                "-F",
                "qcow2",
                "-b",
                backing.toString(),
                child.toString());
        refused(child, "it has a backing file");
        // A length without a place is no less one for a reader that looks at the length.
        Path image = create("qcow2", "compat=1.1", MIB);
        patch(image, 16, ByteBuffer.allocate(4).putInt(4));
        refused(image, "it has a backing file");
    }

    @Test
    void anExternalDataFileIsRefused() throws Exception {
        Path image = create("qcow2", "compat=1.1,data_file=" + directory.resolve("data"), MIB);
        refused(image, "external data file");
        // Also when only the name of it is there: other readers may follow that.
        patch(image, 72, ByteBuffer.allocate(8));
        refused(image, "external data file");
    }

    @ParameterizedTest
    @CsvSource({"1, marked as corrupt", "5, 0x20", "31, 0x80000000", "63, 0x8000000000000000"})
    void otherFeaturesAreRefused(int bit, String reason) throws Exception {
        Path image = create("qcow2", "compat=1.1", MIB);
        patch(image, 72, ByteBuffer.allocate(8).putLong(1L << bit));
        refused(image, reason);
    }

    @Test
    void malformedQcow2IsRefused() throws Exception {
        Path image = create("qcow2", "compat=1.1", MIB);
        byte[] good = Files.readAllBytes(image);
        Object[][] wrong = {
            {4, 1, "version 1"},
            {4, 4, "version 4"},
            {20, 8, "clusters"},
            {20, 63, "clusters"},
            {32, 1, "encrypted"},
            {100, 64, "header"},
            {100, 1 << 30, "header"}
        };
        for (Object[] one : wrong) {
            Files.write(image, good);
            patch(image, (int) one[0], ByteBuffer.allocate(4).putInt((int) one[1]));
            refused(image, (String) one[2]);
        }
        Files.write(image, "QFI\u00fb".getBytes(StandardCharsets.ISO_8859_1));
        refused(image, "version 0");
        Path encrypted = directory.resolve("encrypted");
        QemuImg.run(
                "create",
                "-q",
                "-f",
                "qcow2",
                "--object",
                "secret,id=s,data=x",
                "-o",
                "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
                encrypted.toString(),
                "1M");
        refused(encrypted, "encrypted");
        patch(encrypted, 32, ByteBuffer.allocate(4));
        refused(encrypted, "encrypted");
    }

    @ParameterizedTest
    @EnumSource(
            value = DiskFormat.class,
            names = {"QCOW2", "VMDK", "VHD", "VHDX", "VDI"})
    void sizesBeyondTheBoundAreRefused(DiskFormat format) throws Exception {
        Path image = create(format.driver().orElseThrow(), "", 48 * MIB);
        ByteOrder order =
                switch (format) {
                    case QCOW2, VHD -> ByteOrder.BIG_ENDIAN;
                    default -> ByteOrder.LITTLE_ENDIAN;
                };
        long at =
                switch (format) {
                    case QCOW2 -> 24;
                    case VMDK -> 12;
                    case VHD -> 48;
                    case VDI -> 0x170;
                    case VHDX -> find(image, 48 * MIB);
                    case RAW, ISO -> throw new AssertionError(format);
                };
        long unit = format == DiskFormat.VMDK ? 512 : 1;
        long most = FormatInspector.MAX_VIRTUAL_BYTES / unit;
        patch(image, at, ByteBuffer.allocate(8).order(order).putLong(0, most));
        assertThat(FormatInspector.inspect(image).virtualBytes())
                .isEqualTo(FormatInspector.MAX_VIRTUAL_BYTES);
        for (long size : new long[] {most + 1, 1L << 52, Long.MAX_VALUE, -1, Long.MIN_VALUE}) {
            patch(image, at, ByteBuffer.allocate(8).order(order).putLong(0, size));
            refused(image, "");
        }
    }

    @Test
    void vmdkOfOtherFilesIsRefused() throws Exception {
        for (String subformat :
                new String[] {"monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat"}) {
            Path image = directory.resolve(subformat + ".vmdk");
            QemuImg.run(
                    "create",
                    "-q",
                    "-f",
                    "vmdk",
                    "-o",
                    "subformat=" + subformat,
                    image.toString(),
                    "1M");
            refused(image, "extents are in other files");
        }
        refused(
                file(
                        "# a comment\n\n  version = 1\nRW 1 FLAT \"/etc/shadow\" 0\n"
                                .getBytes(StandardCharsets.US_ASCII)),
                "extents are in other files");
        refused(file("COWD".getBytes(StandardCharsets.US_ASCII)), "extents are in other files");
    }

    @ParameterizedTest
    @CsvSource({
        "monolithicSparse, monolithicFlat__, only monolithicSparse",
        "SPARSE, FLAT, in other files",
        "RW 98304 SPARSE, RW 98304 VMFS, in other files",
        "'v.vmdk\"', '/etc/sh\"', in other files",
        "parentCID=ffffffff, parentCID=fffffff0, parent",
        "'ddb.geometry.heads = \"16\"', 'parentFileNameHint=\"x\"', parent",
        "'# Extent description', 'RW 1 FLAT \"/etc/x\" 0', in other files",
        "'# Extent description', anything else, malformed",
        "createType, createtypo, only monolithicSparse",
    })
    void aHostileDescriptorIsRefused(String old, String other, String reason) throws Exception {
        Path image = directory.resolve("v.vmdk");
        QemuImg.run("create", "-q", "-f", "vmdk", image.toString(), "48M");
        byte[] bytes = Files.readAllBytes(image);
        String text = new String(bytes, 512, 10_240, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(old);
        ByteBuffer changed = ByteBuffer.allocate(10_240);
        changed.put(
                text.substring(0, text.indexOf('\0'))
                        .replace(old, other)
                        .getBytes(StandardCharsets.ISO_8859_1));
        patch(image, 512, changed.rewind());
        refused(image, reason);
    }

    @Test
    void aHostileVmdkHeaderIsRefused() throws Exception {
        Path image = create("vmdk", "", MIB);
        byte[] good = Files.readAllBytes(image);
        long[][] wrong = {{12, 0}, {28, 0}, {28, 2}, {36, 0}, {36, 1 << 20}, {56, -1}};
        String[] reasons = {
            "no size", "descriptor", "descriptor", "descriptor", "descriptor", "footer"
        };
        for (int i = 0; i < wrong.length; i++) {
            Files.write(image, good);
            ByteBuffer number = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            patch(image, wrong[i][0], number.putLong(0, wrong[i][1]));
            refused(image, reasons[i]);
        }
        // With a footer, which then is the header that counts.
        ByteBuffer end = ByteBuffer.allocate(1024).put(good, 0, 512).rewind();
        Files.write(image, good);
        ByteBuffer atEnd = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, -1);
        patch(image, 56, atEnd);
        patch(image, good.length, end);
        assertThat(FormatInspector.inspect(image).virtualBytes()).isEqualTo(MIB);
        patch(
                image,
                good.length + 12,
                ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 9));
        refused(image, "differ");
        patch(image, good.length + 12, ByteBuffer.allocate(8));
        refused(image, "no size");
    }

    @Test
    void childrenOfOtherDisksAreRefused() throws Exception {
        Path vhd = create("vpc", "", MIB);
        patch(vhd, 60, ByteBuffer.allocate(4).putInt(4));
        refused(vhd, "not type 4");
        Path vdi = create("vdi", "", MIB);
        patch(vdi, 0x4c, ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, 4));
        refused(vdi, "not type 4");
        vdi = create("vdi", "", MIB);
        patch(vdi, 0x1b0, ByteBuffer.allocate(1).put(0, (byte) 1));
        refused(vdi, "parent");
        Path vhdx = create("vhdx", "block_size=8M", 48 * MIB);
        // File parameters: the block's size, and then flags.
        long flags = find(vhdx, 8 * MIB) + 4;
        assertThat(FormatInspector.inspect(vhdx).format()).isEqualTo(DiskFormat.VHDX);
        patch(vhdx, flags, ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, 2));
        refused(vhdx, "parent");
        patch(vhdx, 192 << 10, ByteBuffer.allocate(4));
        refused(vhdx, "region table");
        refused(file("vhdxfile".getBytes(StandardCharsets.US_ASCII)), "region table");
    }

    @Test
    void aDiskInADiskIsRefused() throws Exception {
        Path inner = create("qcow2", "compat=1.1", MIB);
        assertThatThrownBy(() -> FormatInspector.checkNotNested(inner))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("holds another one of format qcow2");
        FormatInspector.checkNotNested(file(new byte[512]));
        refused(file("QED\0".getBytes(StandardCharsets.US_ASCII)), "qed");
    }

    private static void refused(Path image, String reason) {
        assertThatThrownBy(() -> FormatInspector.inspect(image))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.fault().status()).isEqualTo(415))
                .hasMessageContaining("Image failed safety checks")
                .hasMessageContaining(reason);
    }

    private Path create(String driver, String options, long size) throws Exception {
        Path image = Files.createTempFile(directory, "image", "");
        if (options.isEmpty()) {
            QemuImg.run("create", "-q", "-f", driver, image.toString(), "" + size);
        } else {
            QemuImg.run("create", "-q", "-f", driver, "-o", options, image.toString(), "" + size);
        }
        return image;
    }

    private Path file(byte[] bytes) throws IOException {
        return Files.write(Files.createTempFile(directory, "file", ""), bytes);
    }

    /**
     * Where a little-endian number of 64 bits is in the first 4 MiB, if it is there once or more.
     */
    private static long find(Path image, long number) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate((int) (4 * MIB)).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel file = FileChannel.open(image)) {
            file.read(bytes, 0);
        }
        for (int at = 0; at + 8 <= bytes.position(); at += 4) {
            if (bytes.getLong(at) == number) {
                return at;
            }
        }
        throw new AssertionError("no " + number);
    }

    private static void patch(Path image, long at, ByteBuffer bytes) throws IOException {
        try (FileChannel file = FileChannel.open(image, StandardOpenOption.WRITE)) {
            file.write(bytes.rewind(), at);
        }
    }
}
