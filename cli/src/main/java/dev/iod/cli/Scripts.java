package dev.iod.cli;

/** The user data of the demo's servers, for the shell of busybox. */
final class Scripts {
    private Scripts() {}

    /** Offers 10 MiB on port 5000 and takes 10 MiB on port 5001. */
    static String serving() {
        return """
                #!/bin/sh
                say() { echo "demo: $*" >/dev/console; }
                dd if=/dev/urandom of=/tmp/out bs=1048576 count=10 2>/dev/null
                say out $(sha256sum /tmp/out | cut -c1-64)
                # Programs behind nc: alone it would end at the first end of file from either side.
                echo 'cat >/tmp/in.part && mv /tmp/in.part /tmp/in' >/tmp/take
                nc -ll -p 5000 -e cat /tmp/out &
                nc -ll -p 5001 -e sh /tmp/take &
                tries=0
                until [ -e /tmp/in ]; do
                    tries=$((tries + 1))
                    [ $tries -lt 300 ] || { say nothing came; exit 1; }
                    sleep 1
                done
                say in $(sha256sum /tmp/in | cut -c1-64)
                """;
    }

    /** Pings the other server until it answers, then fetches and sends. */
    static String fetching(String peer) {
        return """
                #!/bin/sh
                say() { echo "demo: $*" >/dev/console; }
                dd if=/dev/urandom of=/tmp/out bs=1048576 count=10 2>/dev/null
                say out $(sha256sum /tmp/out | cut -c1-64)
                tries=0
                until ping -c 1 -W 1 PEER >/dev/null 2>&1; do
                    tries=$((tries + 1))
                    [ $tries -lt 120 ] || { say no answer from PEER; exit 1; }
                    sleep 1
                done
                say ping $(ping -c 5 -W 2 PEER | grep 'packets transmitted')
                fetch() { nc PEER 5000 </dev/null >/tmp/in && [ -s /tmp/in ]; }
                tries=0
                until fetch; do
                    tries=$((tries + 1))
                    [ $tries -lt 60 ] || { say cannot fetch; exit 1; }
                    sleep 1
                done
                say in $(sha256sum /tmp/in | cut -c1-64)
                nc PEER 5001 </tmp/out >/dev/null
                say done
                """
                .replace("PEER", peer);
    }
}
