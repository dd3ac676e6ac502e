package dev.iod.eswitch.testing;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Frames of every protocol the engine looks into, and what an attacker makes of them. */
public final class HostileFrames {
    private static final int SOURCE = Frames.address(10, 0, 0, 1);
    private static final int TARGET = Frames.address(10, 0, 0, 2);

    private HostileFrames() {}

    public static byte[][] models() {
        byte[] solicit = new byte[32];
        solicit[0] = (byte) 135;
        solicit[24] = 1;
        solicit[25] = 1;
        byte[] advertise = solicit.clone();
        advertise[0] = (byte) 136;
        advertise[24] = 2;
        byte[] unreachable = new byte[8 + 48];
        unreachable[0] = 1;
        unreachable[8] = 0x60;
        unreachable[14] = 17;
        byte[] udp = Frames.udp4(SOURCE, TARGET, 7, 9, new byte[20]);
        return new byte[][] {
            ip4(udp),
            ip4(Frames.tcp4(SOURCE, TARGET, 7, 9, 1, 2, 0x10, 30)),
            ip4(Frames.tcp4(SOURCE, TARGET, 7, 9, 1, 2, 2, 0)),
            ip4(Frames.echo4(SOURCE, TARGET, 8, 1, 1)),
            ip4(Frames.ip4(TARGET, SOURCE, 1, 64, error(udp))),
            ip4(Frames.ip4(SOURCE, TARGET, 132, 64, new byte[40])),
            ip4(Frames.udp4(0, -1, 68, 67, dhcp())),
            Frames.arpRequest(4, SOURCE, TARGET),
            ip6(58, solicit),
            ip6(58, advertise),
            ip6(58, unreachable),
            // Fragment, then hop-by-hop and destination options before UDP.
            Frames.ethernet(2, 4, 0x86dd, Frames.ip6(new byte[16], new byte[16], 44, new byte[40])),
            Frames.ethernet(2, 4, 0x86dd, Frames.ip6(new byte[16], new byte[16], 0, extensions())),
            Frames.ethernet(2, 4, 0x8100, ByteBuffer.allocate(64).putInt(0x0005_0800).array()),
            new byte[80],
        };
    }

    private static byte[] ip4(byte[] packet) {
        return Frames.ethernet(2, 4, 0x0800, packet);
    }

    private static byte[] ip6(int protocol, byte[] message) {
        byte[] address = new byte[16];
        byte[] ip =
                protocol == 58
                        ? Frames.icmp6(address, address, message)
                        : Frames.ip6(address, address, protocol, message);
        return Frames.ethernet(2, 4, 0x86dd, ip);
    }

    private static byte[] extensions() {
        byte[] bytes = new byte[32];
        bytes[0] = 60;
        bytes[8] = 17;
        bytes[20] = 16;
        bytes[21] = 16;
        return bytes;
    }

    private static byte[] error(byte[] quoted) {
        byte[] icmp = new byte[8 + 28];
        icmp[0] = 3;
        icmp[1] = 3;
        System.arraycopy(quoted, 0, icmp, 8, 28);
        int sum = Frames.checksum(icmp, 0, icmp.length, 0);
        icmp[2] = (byte) (sum >>> 8);
        icmp[3] = (byte) sum;
        return icmp;
    }

    private static byte[] dhcp() {
        ByteBuffer message = ByteBuffer.allocate(256);
        message.putInt(0x0101_0600).putInt(0x1234_5678);
        message.putInt(236, 0x6382_5363);
        message.put(240, (byte) 53).put(241, (byte) 1).put(242, (byte) 1).put(243, (byte) 255);
        return message.array();
    }

    /** Cut short, bytes changed; half of the time with a right IPv4 checksum after that. */
    public static byte[] mutate(byte[] model, SplittableRandom random) {
        int length = random.nextInt(4) == 0 ? random.nextInt(model.length + 1) : model.length;
        byte[] frame = Arrays.copyOf(model, length);
        int changes = random.nextInt(6);
        for (int i = 0; i < changes && frame.length > 0; i++) {
            frame[random.nextInt(frame.length)] = (byte) random.nextInt();
        }
        if (frame.length >= 34 && frame[12] == 8 && frame[13] == 0 && random.nextBoolean()) {
            int header = Math.min((frame[14] & 15) * 4, frame.length - 14);
            frame[24] = 0;
            frame[25] = 0;
            int sum = Frames.checksum(frame, 14, header, 0);
            frame[24] = (byte) (sum >>> 8);
            frame[25] = (byte) sum;
        }
        return frame;
    }
}
