package dev.iod.vhost;

import dev.iod.sys.Epoll;
import dev.iod.sys.EventFd;
import dev.iod.sys.Linux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the front end has said about one ring. Control side only. */
final class RingSettings {
    static final int NO_DESCRIPTOR = -1;

    private final Epoll wakeups;
    int size;
    boolean addressed;
    long descriptorsUser;
    long availUser;
    long usedUser;
    int position;
    int kick = NO_DESCRIPTOR;
    int call = NO_DESCRIPTOR;
    boolean enabled;

    RingSettings(Epoll wakeups) {
        this.wakeups = wakeups;
    }

    /** Everything a ring needs to run, apart from memory. */
    boolean startable() {
        return enabled && addressed && size > 0 && kick != NO_DESCRIPTOR;
    }

    /**
     * Takes over a kick descriptor. It is never read, so the peer cannot make anyone wait on it.
     */
    void kick(int fd) {
        dropKick();
        requireKind(fd, "eventfd", "the kick descriptor");
        wakeups.add(fd, Epoll.READABLE | Epoll.EDGE);
        kick = fd;
    }

    void dropKick() {
        if (kick != NO_DESCRIPTOR) {
            wakeups.remove(kick);
            Linux.close(kick);
            kick = NO_DESCRIPTOR;
        }
    }

    /**
     * Takes over a call descriptor. Only an eventfd is accepted, made non-blocking: the engine
     * thread writes to it.
     */
    void call(int fd) {
        dropCall();
        requireKind(fd, "eventfd", "the call descriptor");
        Linux.nonBlocking(fd);
        call = fd;
    }

    void dropCall() {
        if (call != NO_DESCRIPTOR) {
            Linux.close(call);
            call = NO_DESCRIPTOR;
        }
    }

    /** Interrupts the guest, whatever it asked for: it looks at its rings and nothing else. */
    void signalCall() {
        if (call != NO_DESCRIPTOR) {
            EventFd.signal(call);
        }
    }

    /**
     * Refuses, and closes, a descriptor of something else.
     *
     * @param kind how /proc/self/fd names it, without brackets and number
     */
    static void requireKind(int fd, String kind, String what) {
        String target;
        try {
            target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).toString();
        } catch (IOException e) {
            target = "unreadable (" + e.getMessage() + ")";
        }
        if (!target.matches("anon_inode:\\[" + kind + "]|" + kind + ":\\[[0-9]+]")) {
            Linux.close(fd);
            throw new VhostException(
                    VhostException.Category.PROTOCOL, what + " is no " + kind + " but " + target);
        }
    }

    /** Back to nothing: the connection is over. */
    void forget() {
        dropKick();
        dropCall();
        size = 0;
        addressed = false;
        position = 0;
        enabled = false;
    }
}
