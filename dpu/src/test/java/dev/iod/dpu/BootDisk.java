package dev.iod.dpu;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A disk that boots by BIOS and by UEFI and tells the serial port by which one, made here byte by
 * byte: a boot sector that loads the next one, and a partition with FAT12 and an EFI application.
 * Its partition and what it loads begin at odd sectors.
 */
final class BootDisk {
    static final String BY_BIOS = "boot disk: by BIOS";
    static final String BY_UEFI = "boot disk: by UEFI";

    static final int SECTOR = 512;

    /** What the boot sector loads, and where that writes a copy of itself. */
    static final int SECOND_STAGE = 2;

    static final int COPY = 5;

    private static final int DISK_BYTES = 4 << 20;
    private static final int PARTITION = 63;
    private static final int PARTITION_SECTORS = 2048;

    private static final int FAT_SECTORS = 6;
    private static final int ROOT = 1 + 2 * FAT_SECTORS;
    private static final int FIRST_CLUSTER = ROOT + 1;
    private static final int APPLICATION_BYTES = 1024;

    private final ByteBuffer disk = ByteBuffer.allocate(DISK_BYTES).order(ByteOrder.LITTLE_ENDIAN);

    private BootDisk() {}

    static byte[] bytes() {
        BootDisk made = new BootDisk();
        made.bootSector();
        made.secondStage();
        made.fileSystem();
        return made.disk.array();
    }

    private void put(int at, int... values) {
        for (int i = 0; i < values.length; i++) {
            disk.put(at + i, (byte) values[i]);
        }
    }

    private void text(int at, String text) {
        disk.put(at, text.getBytes(UTF_8));
    }

    /** Of INT 13h, functions 42h and 43h. */
    private void packet(int at, int memory, long sector) {
        put(at, 0x10, 0, 1, 0);
        disk.putShort(at + 4, (short) memory).putShort(at + 6, (short) 0).putLong(at + 8, sector);
    }

    private void bootSector() {
        int packet = 0x7c40;
        put(0, 0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0); // cli; ds, es, ss = 0
        put(9, 0xbc, 0x00, 0x7c, 0xfb); // mov sp, 7c00h; sti
        put(13, 0xbe, packet & 0xff, packet >> 8, 0xb4, 0x42, 0xcd, 0x13); // read
        put(20, 0xea, 0x00, 0x80, 0x00, 0x00); // jmp 0:8000h
        packet(0x40, 0x8000, SECOND_STAGE);
        put(446, 0x80, 0, 0, 0, 0xef, 0, 0, 0);
        disk.putInt(454, PARTITION).putInt(458, PARTITION_SECTORS);
        put(510, 0x55, 0xaa);
    }

    private void secondStage() {
        int at = SECOND_STAGE * SECTOR;
        int packet = 0x8040;
        int text = 0x8060;
        put(at, 0xbe, packet & 0xff, packet >> 8, 0xb8, 0x00, 0x43, 0xcd, 0x13); // write
        put(at + 8, 0xbe, text & 0xff, text >> 8);
        put(at + 11, 0xac, 0x84, 0xc0, 0x74, 0x06); // next: lodsb; test al, al; jz end
        put(at + 16, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf5); // mov dx, 3f8h; out dx, al; jmp next
        put(at + 22, 0xf4, 0xeb, 0xfd); // end: hlt; jmp end
        packet(at + 0x40, 0x8000, COPY);
        text(at + 0x60, BY_BIOS + "\r\n");
        // What is beside the copy is to stay.
        for (int sector = COPY - 1; sector <= COPY + 1; sector++) {
            text(sector * SECTOR, "sector " + sector);
        }
    }

    private int sector(int number) {
        return (PARTITION + number) * SECTOR;
    }

    private int cluster(int number) {
        return sector(FIRST_CLUSTER + number - 2);
    }

    /** Clusters of one sector: 2 is EFI, 3 is EFI/BOOT, 4 and 5 are its file. */
    private void fileSystem() {
        int boot = sector(0);
        put(boot, 0xeb, 0x3c, 0x90);
        text(boot + 3, "IOD     ");
        disk.putShort(boot + 11, (short) SECTOR);
        put(boot + 13, 1, 1, 0, 2, 16, 0);
        disk.putShort(boot + 19, (short) PARTITION_SECTORS);
        put(boot + 21, 0xf8, FAT_SECTORS, 0, 63, 0, 255, 0);
        disk.putInt(boot + 28, PARTITION);
        put(boot + 36, 0x80, 0, 0x29, 1, 2, 3, 4);
        text(boot + 43, "NO NAME    FAT12   ");
        put(boot + 510, 0x55, 0xaa);
        for (int copy = 0; copy < 2; copy++) {
            // Entries of 12 bits: ff8 fff | fff fff | 005 fff.
            int table = sector(1 + copy * FAT_SECTORS);
            put(table, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0x05, 0xf0, 0xff);
        }
        entry(sector(ROOT), "EFI        ", 0x10, 2, 0);
        entry(cluster(2), ".          ", 0x10, 2, 0);
        entry(cluster(2) + 32, "..         ", 0x10, 0, 0);
        entry(cluster(2) + 64, "BOOT       ", 0x10, 3, 0);
        entry(cluster(3), ".          ", 0x10, 3, 0);
        entry(cluster(3) + 32, "..         ", 0x10, 2, 0);
        entry(cluster(3) + 64, "BOOTX64 EFI", 0x20, 4, APPLICATION_BYTES);
        application(cluster(4));
    }

    private void entry(int at, String name, int attributes, int cluster, int bytes) {
        text(at, name);
        put(at + 11, attributes);
        disk.putShort(at + 26, (short) cluster).putInt(at + 28, bytes);
    }

    /** A PE32+ image of one section, which runs wherever it is loaded. */
    private void application(int at) {
        text(at, "MZ");
        disk.putInt(at + 0x3c, 0x40);
        text(at + 0x40, "PE");
        int coff = at + 0x44;
        disk.putShort(coff, (short) 0x8664).putShort(coff + 2, (short) 1);
        disk.putShort(coff + 16, (short) 0xf0).putShort(coff + 18, (short) 0x0206);
        int optional = coff + 20;
        disk.putShort(optional, (short) 0x20b);
        disk.putInt(optional + 4, 0x200);
        disk.putInt(optional + 16, 0x1000).putInt(optional + 20, 0x1000);
        disk.putInt(optional + 32, 0x1000).putInt(optional + 36, 0x200);
        disk.putInt(optional + 56, 0x2000).putInt(optional + 60, 0x200);
        disk.putShort(optional + 68, (short) 10); // an EFI application
        disk.putInt(optional + 108, 16);
        int section = optional + 0xf0;
        text(section, ".text");
        disk.putInt(section + 8, 0x200).putInt(section + 12, 0x1000);
        disk.putInt(section + 16, 0x200).putInt(section + 20, 0x200);
        disk.putInt(section + 36, 0x60000020); // code: executed, read
        int code = at + 0x200;
        put(code, 0x48, 0x8d, 0x35, 0x39, 0, 0, 0); // lea rsi, [rip + 39h]: the text at 40h
        put(code + 7, 0xac, 0x84, 0xc0, 0x74, 0x07); // next: lodsb; test al, al; jz end
        put(code + 12, 0x66, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf4); // out 3f8h, al; jmp next
        put(code + 19, 0xf4, 0xeb, 0xfd); // end: hlt; jmp end
        text(code + 0x40, BY_UEFI + "\r\n");
    }
}
