package dev.iod.sys;

import java.util.Map;

/** Error numbers of Linux (errno(3)) that callers decide on, and their names. */
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int ESRCH = 3;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int EBADF = 9;
    public static final int ENXIO = 6;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int ENODEV = 19;
    public static final int EINVAL = 22;
    public static final int EMFILE = 24;
    public static final int ENOSPC = 28;
    public static final int EROFS = 30;
    public static final int EPIPE = 32;
    public static final int EOPNOTSUPP = 95;
    public static final int ECANCELED = 125;
    public static final int EADDRINUSE = 98;
    public static final int ENETDOWN = 100;
    public static final int ENETUNREACH = 101;
    public static final int ENOBUFS = 105;
    public static final int ECONNRESET = 104;
    public static final int ETIME = 62;
    public static final int ETIMEDOUT = 110;
    public static final int ECONNREFUSED = 111;
    public static final int EHOSTUNREACH = 113;

    private static final Map<Integer, String> NAMES =
            Map.ofEntries(
                    Map.entry(EPERM, "EPERM, operation not permitted"),
                    Map.entry(ENOENT, "ENOENT, no such file or directory"),
                    Map.entry(ESRCH, "ESRCH, no such process"),
                    Map.entry(EINTR, "EINTR, interrupted"),
                    Map.entry(EIO, "EIO, input/output error"),
                    Map.entry(EBADF, "EBADF, bad descriptor"),
                    Map.entry(EAGAIN, "EAGAIN, try again"),
                    Map.entry(ENOMEM, "ENOMEM, out of memory"),
                    Map.entry(EACCES, "EACCES, permission denied"),
                    Map.entry(EBUSY, "EBUSY, device or resource busy"),
                    Map.entry(EEXIST, "EEXIST, exists already"),
                    Map.entry(ENODEV, "ENODEV, no such device"),
                    Map.entry(EINVAL, "EINVAL, invalid argument"),
                    Map.entry(EMFILE, "EMFILE, too many open files"),
                    Map.entry(ENOSPC, "ENOSPC, no space left"),
                    Map.entry(EROFS, "EROFS, read-only file system"),
                    Map.entry(EPIPE, "EPIPE, the peer closed"),
                    Map.entry(EOPNOTSUPP, "EOPNOTSUPP, not supported"),
                    Map.entry(EADDRINUSE, "EADDRINUSE, address in use"),
                    Map.entry(ENETDOWN, "ENETDOWN, network is down"),
                    Map.entry(ENETUNREACH, "ENETUNREACH, network unreachable"),
                    Map.entry(ENOBUFS, "ENOBUFS, no buffer space"),
                    Map.entry(ECONNRESET, "ECONNRESET, connection reset by the peer"),
                    Map.entry(ETIMEDOUT, "ETIMEDOUT, timed out"),
                    Map.entry(ECONNREFUSED, "ECONNREFUSED, nobody listens"),
                    Map.entry(EHOSTUNREACH, "EHOSTUNREACH, no route to host"));

    private Errno() {}

    /** Name and meaning, or the bare number for one this class does not know. */
    public static String describe(int errno) {
        return NAMES.getOrDefault(errno, "errno " + errno);
    }
}
