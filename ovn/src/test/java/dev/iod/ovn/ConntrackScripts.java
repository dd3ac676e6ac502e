package dev.iod.ovn;

import static dev.iod.ovn.Wire.ACK;
import static dev.iod.ovn.Wire.FIN;
import static dev.iod.ovn.Wire.PSH;
import static dev.iod.ovn.Wire.RST;
import static dev.iod.ovn.Wire.SYN;

import dev.iod.ovn.Wire.Segment;
import java.util.ArrayList;
import java.util.List;

/**
 * Exchanges between two hosts under one security group: side 0 usually begins. Each uses a port or
 * identifier of its own, so that its connections can be told from those of the others. None goes on
 * with a connection that was forgotten or opened again after its end: Open vSwitch 3.1.0 (Debian
 * 12) then ends with a failed assertion in conn_update_state(); {@code ConntrackTest} has that case
 * for ours.
 */
final class ConntrackScripts {
    /** Allowed as long as nobody removes the rule. */
    static final int PORT = 80;

    /** Allowed by a rule that {@link Step.Forbid} removes. */
    static final int REMOVABLE = 8080;

    private static final int FIRST_KEY = 40_000;
    private static final int IDLE_KEY = 39_500;

    private final List<Script> scripts = new ArrayList<>();
    private List<Step> steps = new ArrayList<>();
    private int key = FIRST_KEY - 1;

    /** Something that happens to both switches alike. */
    sealed interface Step {
        record Send(String name, int from, byte[] frame) implements Step {}

        /** The rules for {@link #REMOVABLE} are taken away. */
        record Forbid() implements Step {}

        /** They are there again. */
        record Allow() implements Step {}
    }

    /**
     * @param key port or identifier by which its connections are known
     */
    record Script(String name, int key, List<Step> steps) {}

    static List<Script> all() {
        var scripts = new ConntrackScripts();
        scripts.tcpOrderly();
        scripts.tcpBroken();
        scripts.tcpWindows();
        scripts.datagrams();
        scripts.messages();
        scripts.rules();
        return scripts.scripts;
    }

    /** Connections that were answered and then nobody uses. */
    static Script idle() {
        var scripts = new ConntrackScripts();
        scripts.key = IDLE_KEY - 1;
        scripts.script("idle");
        scripts.udp(0, PORT);
        scripts.udp(1, PORT);
        scripts.send(0, "request", Wire.echo(0, true, scripts.key, 1));
        scripts.send(1, "reply", Wire.echo(1, false, scripts.key, 1));
        return scripts.scripts.getFirst();
    }

    private void script(String name) {
        steps = new ArrayList<>();
        scripts.add(new Script(name, ++key, steps));
    }

    private void send(int from, String name, byte[] frame) {
        steps.add(new Step.Send(name, from, frame));
    }

    /** A segment of the connection key → 80 begun by side 0. */
    private void tcp(int from, long seq, long ack, int flags, int data) {
        tcp(from, segment(from, PORT, seq, ack, flags).data(data));
    }

    private Segment segment(int from, int port, long seq, long ack, int flags) {
        return from == 0
                ? Segment.of(key, port, seq, ack, flags)
                : Segment.of(port, key, seq, ack, flags);
    }

    private void tcp(int from, Segment segment) {
        String flags =
                ((segment.flags() & SYN) != 0 ? "S" : "")
                        + ((segment.flags() & FIN) != 0 ? "F" : "")
                        + ((segment.flags() & RST) != 0 ? "R" : "")
                        + ((segment.flags() & PSH) != 0 ? "P" : "")
                        + ((segment.flags() & ACK) != 0 ? "." : "");
        String name =
                "%s seq %d ack %d win %d data %d"
                        .formatted(
                                flags,
                                Integer.toUnsignedLong(segment.seq()),
                                Integer.toUnsignedLong(segment.ack()),
                                segment.window(),
                                segment.data());
        send(from, name, Wire.tcp(from, segment));
    }

    private void handshake() {
        tcp(0, 1000, 0, SYN, 0);
        tcp(1, 5000, 1001, SYN | ACK, 0);
        tcp(0, 1001, 5001, ACK, 0);
    }

    private void tcpOrderly() {
        script("TCP open, data, close");
        handshake();
        tcp(0, 1001, 5001, ACK | PSH, 100);
        tcp(1, 5001, 1101, ACK, 0);
        tcp(1, 5001, 1101, ACK | PSH, 300);
        tcp(0, 1101, 5301, ACK, 0);
        tcp(0, 1101, 5301, FIN | ACK, 0);
        tcp(1, 5301, 1102, ACK, 0);
        tcp(1, 5301, 1102, ACK, 50);
        tcp(0, 1102, 5351, ACK, 0);
        tcp(1, 5351, 1102, FIN | ACK, 0);
        tcp(0, 1102, 5352, ACK, 0);
        tcp(0, 1102, 5352, ACK, 0);
        script("TCP half open, SYN again");
        tcp(0, 1000, 0, SYN, 0);
        tcp(0, 1000, 0, SYN, 0);
        tcp(0, 1000, 0, SYN, 0);
        tcp(1, 5000, 1001, SYN | ACK, 0);
        tcp(1, 5000, 1001, SYN | ACK, 0);
        script("TCP refused");
        tcp(0, 1000, 0, SYN, 0);
        tcp(1, 0, 1001, RST | ACK, 0);
        script("TCP simultaneous close");
        handshake();
        tcp(0, 1001, 5001, FIN | ACK, 0);
        tcp(1, 5001, 1001, FIN | ACK, 0);
        tcp(0, 1002, 5002, ACK, 0);
        tcp(1, 5002, 1002, ACK, 0);
        script("TCP reset by the initiator");
        handshake();
        tcp(0, 1001, 5001, ACK, 20);
        tcp(0, 1021, 0, RST, 0);
        tcp(1, 5001, 1021, ACK, 20);
        tcp(0, 1021, 0, RST, 0);
        script("TCP reset by the responder");
        handshake();
        tcp(1, 5001, 1001, RST | ACK, 0);
        tcp(0, 1001, 5001, ACK, 0);
        script("TCP FIN with data, FIN again");
        handshake();
        tcp(0, 1001, 5001, FIN | ACK | PSH, 10);
        tcp(0, 1001, 5001, FIN | ACK | PSH, 10);
        tcp(1, 5001, 1012, FIN | ACK, 0);
        tcp(1, 5001, 1012, FIN | ACK, 0);
        tcp(0, 1012, 5002, ACK, 0);
        script("TCP over IPv6");
        send(0, "S", Wire.tcp6(0, segment(0, PORT, 1, 0, SYN)));
        send(1, "S.", Wire.tcp6(1, segment(1, PORT, 7, 2, SYN | ACK)));
        send(0, ".", Wire.tcp6(0, segment(0, PORT, 2, 8, ACK)));
        send(1, "R", Wire.tcp6(1, segment(1, PORT, 8, 0, RST)));
    }

    private void tcpBroken() {
        script("TCP begins with what is no SYN");
        for (int flags : new int[] {0, FIN, SYN | FIN, SYN | RST, SYN | ACK, PSH, FIN | PSH | 32}) {
            tcp(0, 1000, 1, flags, 0);
        }
        script("TCP begins with a reset");
        tcp(0, 1000, 0, RST, 0);
        tcp(1, 5000, 1001, ACK, 0);
        script("TCP met midway by an acknowledgement");
        tcp(0, 1000, 5000, ACK, 10);
        tcp(1, 5000, 1010, ACK, 400);
        tcp(0, 1010, 5400, ACK, 10);
        tcp(0, 1020, 5400, FIN | ACK, 0);
        script("TCP met midway by a FIN");
        tcp(0, 1000, 5000, FIN | ACK, 0);
        tcp(1, 5000, 1001, ACK, 0);
        script("TCP answer without a question");
        tcp(1, 5000, 1001, SYN | ACK, 0);
        tcp(1, 5000, 1001, ACK, 0);
        script("TCP no acknowledgement in an established connection");
        handshake();
        tcp(0, 1001, 0, PSH, 10);
        tcp(0, 1001, 0, 0, 10);
        tcp(0, 1001, 5001, ACK | FIN | SYN, 0);
        tcp(0, 1001, 5001, ACK | 32, 10);
        script("TCP SYN in an established connection");
        handshake();
        tcp(0, 1001, 5001, ACK, 10);
        tcp(0, 1000, 0, SYN, 0);
        tcp(0, 1011, 0, SYN, 0);
        tcp(0, 700_000_000, 0, SYN, 0);
        tcp(1, 5001, 1011, ACK, 0);
        tcp(1, 800_000_000, 0, SYN, 0);
        tcp(0, 1011, 5001, ACK, 10);
        script("TCP SYN with data");
        tcp(0, segment(0, PORT, 1000, 0, SYN).data(40));
        tcp(1, 5000, 1041, SYN | ACK, 0);
        tcp(0, 1041, 5001, ACK, 40);
        script("TCP simultaneous open");
        tcp(0, Segment.of(key, key, 1000, 0, SYN));
        tcp(1, Segment.of(key, key, 5000, 0, SYN));
        tcp(0, Segment.of(key, key, 1000, 5001, SYN | ACK));
        tcp(1, Segment.of(key, key, 5000, 1001, SYN | ACK));
        tcp(0, Segment.of(key, key, 1001, 5001, ACK).data(10));
        script("TCP answer to another SYN");
        tcp(0, 1000, 0, SYN, 0);
        tcp(1, 5000, 900_001, SYN | ACK, 0);
        tcp(0, 900_001, 0, RST, 0);
        tcp(0, 1000, 0, SYN, 0);
        tcp(1, 6000, 1001, SYN | ACK, 0);
        tcp(0, 1001, 6001, ACK, 0);
    }

    private void tcpWindows() {
        script("TCP outside the window");
        handshake();
        tcp(0, 1001 + 8000, 5001, ACK, 10);
        tcp(0, 1001 + 7980, 5001, ACK, 10);
        tcp(0, 1001 + 100_000, 5001, ACK, 10);
        tcp(0, 1001 - 200_000, 5001, ACK, 10);
        tcp(1, 5001 + 8001, 1001, ACK, 10);
        tcp(1, 5001, 1001 + 200_000, ACK, 10);
        tcp(1, 5001, 1001 - 100_000L, ACK, 10);
        tcp(0, 1001, 5001, ACK, 10);
        script("TCP sent again");
        handshake();
        tcp(0, 1001, 5001, ACK, 500);
        tcp(0, 1001, 5001, ACK, 500);
        tcp(1, 5001, 1501, ACK, 0);
        tcp(0, 1001, 5001, ACK, 500);
        tcp(0, 1501, 5001, ACK, 500);
        tcp(0, 1001, 5001, ACK, 500);
        script("TCP reset outside the window");
        handshake();
        tcp(1, 5001, 1001, ACK, 1000);
        tcp(0, 1001, 6001, ACK, 0);
        tcp(1, 5001, 0, RST, 0);
        tcp(1, 6001 + 500, 0, RST, 0);
        tcp(1, 6001 + 50_000, 0, RST, 0);
        tcp(0, 1001, 6001, ACK, 10);
        tcp(1, 6002, 0, RST, 0);
        script("TCP windows scaled on both sides");
        tcp(0, segment(0, PORT, 1000, 0, SYN).window(64_000).scale(7));
        tcp(1, segment(1, PORT, 5000, 1001, SYN | ACK).window(64_000).scale(7));
        tcp(0, segment(0, PORT, 1001, 5001, ACK).window(500));
        tcp(1, segment(1, PORT, 5001, 1001, ACK).window(500));
        tcp(1, segment(1, PORT, 5001 + 63_000, 1001, ACK).window(500).data(900));
        tcp(1, segment(1, PORT, 5001 + 66_000, 1001, ACK).window(500).data(100));
        tcp(0, segment(0, PORT, 1001 + 63_000, 5001, ACK).window(500).data(900));
        tcp(0, segment(0, PORT, 1001 + 70_000, 5001, ACK).window(500).data(100));
        script("TCP window scale offered by one side");
        tcp(0, segment(0, PORT, 1000, 0, SYN).window(1000).scale(7));
        tcp(1, segment(1, PORT, 5000, 1001, SYN | ACK).window(1000));
        tcp(0, segment(0, PORT, 1001, 5001, ACK).window(1000));
        tcp(1, segment(1, PORT, 5001 + 900, 1001, ACK).window(1000).data(100));
        tcp(1, segment(1, PORT, 5001 + 2000, 1001, ACK).window(1000).data(100));
        script("TCP window closed and open again");
        handshake();
        tcp(1, segment(1, PORT, 5001, 1001, ACK).window(0));
        tcp(0, segment(0, PORT, 1001, 5001, ACK).data(1));
        tcp(1, segment(1, PORT, 5001, 1001, ACK).window(0));
        tcp(1, segment(1, PORT, 5001, 1001, ACK).window(8000));
        tcp(0, segment(0, PORT, 1001, 5001, ACK).data(1000));
        script("TCP sequence numbers wrap");
        long high = 0xffff_fff0L;
        tcp(0, high, 0, SYN, 0);
        tcp(1, high, high + 1, SYN | ACK, 0);
        tcp(0, high + 1, high + 1, ACK, 100);
        tcp(1, high + 1, high + 101, ACK, 100);
        tcp(0, high + 101, high + 101, ACK, 0);
        tcp(0, high + 101, high + 101, FIN | ACK, 0);
    }

    private void udp(int from, int port) {
        int source = from == 0 ? key : port;
        int destination = from == 0 ? port : key;
        send(from, "udp", Wire.udp(from, source, destination, 20));
    }

    private void datagrams() {
        script("UDP one way");
        udp(0, PORT);
        udp(0, PORT);
        udp(0, PORT);
        udp(0, PORT);
        script("UDP both ways");
        udp(0, PORT);
        udp(1, PORT);
        udp(0, PORT);
        udp(1, PORT);
        script("UDP not asked for");
        udp(1, PORT);
        udp(0, PORT);
        udp(1, PORT);
        script("UDP over IPv6");
        send(0, "udp", Wire.udp6(0, key, PORT, 9));
        send(1, "udp", Wire.udp6(1, PORT, key, 9));
    }

    private void messages() {
        script("echo");
        send(0, "request", Wire.echo(0, true, key, 1));
        send(0, "request", Wire.echo(0, true, key, 2));
        send(1, "reply", Wire.echo(1, false, key, 1));
        send(1, "reply", Wire.echo(1, false, key, 2));
        send(0, "request", Wire.echo(0, true, key, 3));
        script("echo reply without a request");
        send(0, "reply", Wire.echo(0, false, key, 1));
        send(1, "request", Wire.echo(1, true, key, 1));
        send(0, "reply", Wire.echo(0, false, key, 1));
        script("echo requests of both sides with one identifier");
        send(0, "request", Wire.echo(0, true, key, 1));
        send(1, "request", Wire.echo(1, true, key, 1));
        send(1, "reply", Wire.echo(1, false, key, 1));
        send(0, "reply", Wire.echo(0, false, key, 1));
        script("echo with a code");
        send(0, "request", Wire.icmp(0, 8, 3, key << 16, new byte[8]));
        script("timestamp");
        send(0, "request", Wire.icmp(0, 13, 0, key << 16, new byte[12]));
        send(1, "reply", Wire.icmp(1, 14, 0, key << 16, new byte[12]));
        script("echo over IPv6");
        send(0, "request", Wire.echo6(0, true, key, 1));
        send(1, "reply", Wire.echo6(1, false, key, 1));
        send(1, "request", Wire.echo6(1, true, key, 1));
        script("errors");
        byte[] asked = Wire.udp(0, key, PORT, 40);
        send(1, "quotes what was not sent", error(1, 3, 3, Wire.quote(asked, 28)));
        send(0, "udp", asked);
        send(1, "quotes a connection", error(1, 3, 3, Wire.quote(asked, 28)));
        send(1, "quotes all", error(1, 3, 4, Wire.quote(asked, 68)));
        send(1, "quotes too little", error(1, 3, 3, Wire.quote(asked, 24)));
        send(1, "time exceeded", error(1, 11, 0, Wire.quote(asked, 28)));
        send(1, "no error", error(1, 9, 0, Wire.quote(asked, 28)));
        send(0, "to the wrong side", error(0, 3, 3, Wire.quote(asked, 28)));
        script("errors about a reply");
        udp(0, PORT);
        udp(1, PORT);
        byte[] answer = Wire.udp(1, PORT, key, 20);
        send(0, "quotes the reply", error(0, 3, 3, Wire.quote(answer, 28)));
        send(1, "quotes it to its receiver", error(1, 3, 3, Wire.quote(answer, 28)));
        script("errors about TCP and echo");
        handshake();
        byte[] segment = Wire.tcp(0, segment(0, PORT, 1001, 5001, ACK));
        send(1, "quotes TCP", error(1, 3, 4, Wire.quote(segment, 28)));
        byte[] request = Wire.echo(0, true, key, 1);
        send(0, "request", request);
        send(1, "quotes echo", error(1, 11, 0, Wire.quote(request, 28)));
        script("errors over IPv6");
        byte[] asked6 = Wire.udp6(0, key, PORT, 40);
        send(0, "udp", asked6);
        send(1, "too big", Wire.icmp6(1, 2, 0, 1280, Wire.quote(asked6, 48)));
        send(1, "port", Wire.icmp6(1, 1, 4, 0, Wire.quote(asked6, 88)));
        send(0, "to the wrong side", Wire.icmp6(0, 1, 4, 0, Wire.quote(asked6, 48)));
    }

    private static byte[] error(int from, int type, int code, byte[] quote) {
        return Wire.icmp(from, type, code, 0, quote);
    }

    private void rules() {
        script("TCP whose rule goes");
        tcp(0, segment(0, REMOVABLE, 1000, 0, SYN));
        tcp(1, segment(1, REMOVABLE, 5000, 1001, SYN | ACK));
        tcp(0, segment(0, REMOVABLE, 1001, 5001, ACK));
        steps.add(new Step.Forbid());
        tcp(1, segment(1, REMOVABLE, 5001, 1001, ACK).data(10));
        tcp(0, segment(0, REMOVABLE, 1001, 5011, ACK).data(10));
        tcp(1, segment(1, REMOVABLE, 5011, 1001, ACK).data(10));
        tcp(0, segment(0, REMOVABLE, 1011, 5011, ACK).data(10));
        steps.add(new Step.Allow());
        tcp(0, segment(0, REMOVABLE, 1011, 5011, ACK).data(10));
        tcp(1, segment(1, REMOVABLE, 5011, 1021, ACK).data(10));
        script("UDP whose rule goes, answered");
        udp(0, REMOVABLE);
        udp(1, REMOVABLE);
        steps.add(new Step.Forbid());
        udp(1, REMOVABLE);
        udp(0, REMOVABLE);
        udp(1, REMOVABLE);
        steps.add(new Step.Allow());
        udp(0, REMOVABLE);
        udp(1, REMOVABLE);
        script("UDP whose rule goes, never answered");
        udp(0, REMOVABLE);
        udp(0, REMOVABLE);
        udp(0, REMOVABLE);
        steps.add(new Step.Forbid());
        udp(0, REMOVABLE);
        udp(1, REMOVABLE);
        steps.add(new Step.Allow());
        udp(0, REMOVABLE);
        udp(1, REMOVABLE);
    }
}
