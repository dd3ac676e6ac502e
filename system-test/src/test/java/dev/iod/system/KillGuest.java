package dev.iod.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A guest of a {@link KillNetwork}: its script, and what it says on its console. */
final class KillGuest {
    private static final String TEXT = "0123456789abcdefghijklmnopqrstuvwxyz";
    private static final int ANSWER_SECONDS = 30;

    final String name;
    private final Region region;
    private final String id;

    /**
     * @param sequence of the last answered ping, from 0
     * @param unanswered pings by the last count of the guest's kernel: lost, or on their way
     * @param least of the last three counts of unanswered pings
     * @param lines of the TCP stream, all right so far
     */
    record Progress(int sequence, int unanswered, int least, int lines) {}

    KillGuest(Region region, String name, String id) {
        this.region = region;
        this.name = name;
        this.id = id;
    }

    /** Offers numbered lines for ever on port 5001. */
    static String serving() {
        return """
        #!/bin/sh
        cat >/tmp/stream <<'END'
        i=0
        while :; do
            n=0
            while [ $n -lt 20 ]; do
                n=$((n + 1))
                i=$((i + 1))
                echo "line $i TEXT"
            done
            usleep 20000
        done
        END
        nc -ll -p 5001 -e sh /tmp/stream &
        """
                .replace("TEXT", TEXT);
    }

    /**
     * Reads them in one connection, pings at an interval, asks for metadata every few seconds. A
     * reply arrives at the interval times its number plus its round trip: that gives the gaps. What
     * is answered is counted by the guest's kernel: the socket of {@code ping} has room for 19
     * replies, fewer than come at once when a busy machine lets an engine stand still.
     */
    static String asking(String peer, int pingMillis) {
        return """
        #!/bin/sh
        until ping -c 1 -W 1 PEER >/dev/null 2>&1; do sleep 1; done
        ping -i SECONDS PEER | awk '
            function unanswered(    text, names, values, count, i) {
                while ((getline text < "/proc/net/snmp") > 0) {
                    if (text ~ /^Icmp: In/) split(text, names)
                    else if (text ~ /^Icmp: /) split(text, values)
                }
                close("/proc/net/snmp")
                for (i in names) {
                    if (names[i] == "OutEchos") count += values[i]
                    if (names[i] == "InEchoReps") count -= values[i]
                }
                return count
            }
            /seq=/ {
                sub(/.*seq=/, ""); s = $1 + wraps
                if (s < last - 30000) { wraps += 65536; s += 65536 }
                sub(/.*time=/, ""); at = s * MILLIS + $1
                if (n && at - before > gap) gap = at - before
                before = at; last = s; n++
                if (n % EACH == 0) { print "kill: ping", s, unanswered(), int(gap); fflush(); gap = 0 }
            }' >/dev/console &
        until timeout 3 nc PEER 5001 </dev/null | grep -q line; do sleep 1; done
        tail -f /dev/null | nc PEER 5001 | awk '
            { n++ }
            $0 != "line " n " TEXT" { print "kill: broken at", n, "length", length($0), "before", old, "now", $0; exit }
            { old = $0 }
            n % 300 == 0 { print "kill: tcp", n; fflush() }
            END { print "kill: ended at", n }' >/dev/console &
        while :; do
            timeout 5 wget -q -O- http://169.254.169.254/latest/meta-data/hostname >/dev/null 2>&1 &&
                echo "kill: metadata" >/dev/console
            sleep 5
        done &
        """
                .replace("PEER", peer)
                .replace("SECONDS", Double.toString(pingMillis / 1000.0))
                .replace("MILLIS", Integer.toString(pingMillis))
                .replace("EACH", Integer.toString(500 / pingMillis))
                .replace("TEXT", TEXT);
    }

    boolean hasAddress() {
        return console().anyMatch(line -> line.contains("iod-micro: address"));
    }

    long boots() {
        return console().filter(line -> line.contains("iod-micro: booting")).count();
    }

    int metadataAnswers() {
        return (int) console().filter(line -> line.equals("kill: metadata")).count();
    }

    void requireWhole(String when) {
        console()
                .filter(line -> line.startsWith("kill: broken") || line.startsWith("kill: ended"))
                .findFirst()
                .ifPresent(
                        line -> {
                            throw new AssertionError(when + ": the TCP stream: " + line);
                        });
    }

    Progress progress() {
        int sequence = 0;
        int lines = 0;
        List<Integer> unanswered = new ArrayList<>();
        for (String line : console().toList()) {
            if (isPing(line)) {
                String[] words = line.split(" ");
                sequence = Integer.parseInt(words[2]);
                unanswered.add(Integer.parseInt(words[3]));
            } else if (line.matches("kill: tcp \\d+")) {
                lines = Integer.parseInt(line.substring("kill: tcp ".length()));
            }
        }
        int least =
                unanswered.reversed().stream().limit(3).mapToInt(Integer::intValue).min().orElse(0);
        int last = unanswered.isEmpty() ? 0 : unanswered.getLast();
        return new Progress(sequence, last, least, lines);
    }

    /** Waits until no more pings are unanswered than were then: a lost one stays so. */
    void requireNoneLost(Progress since, String when) {
        Wait.until(
                () ->
                        "%s: no ping is lost %s; was %s, is %s"
                                .formatted(name, when, since, progress()),
                ANSWER_SECONDS,
                () -> progress().least() <= since.least());
    }

    /** Longest time between two replies after one with a number, as the guest saw it. */
    int longestGapMillis(int sequence) {
        return console()
                .filter(KillGuest::isPing)
                .map(line -> line.split(" "))
                .filter(words -> Integer.parseInt(words[2]) > sequence)
                .mapToInt(words -> Integer.parseInt(words[4]))
                .max()
                .orElse(0);
    }

    private static boolean isPing(String line) {
        return line.matches("kill: ping \\d+ \\d+ \\d+");
    }

    /** Complete lines of the console; the log is two files of bounded size. */
    private Stream<String> console() {
        StringBuilder text = new StringBuilder();
        for (String node : List.of("n1", "n2")) {
            Path log = region.run.resolve("nodes/" + node + "/guests/" + id + "/console.log");
            for (Path file : List.of(log.resolveSibling("console.log.1"), log)) {
                try {
                    if (Files.exists(file)) {
                        text.append(Files.readString(file));
                    }
                } catch (IOException e) {
                    throw new AssertionError("cannot read " + file, e);
                }
            }
        }
        int end = text.lastIndexOf("\n");
        return end < 0 ? Stream.empty() : text.substring(0, end).lines().map(String::strip);
    }
}
