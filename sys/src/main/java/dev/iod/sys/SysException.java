package dev.iod.sys;

/** A system call or a kernel interface failed. The errno is its category (see {@link Errno}). */
public final class SysException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /**
     * @param operation what was tried and on what, for example {@code "connect /run/x.sock"}
     * @param errno the error number, 0 when the kernel's answer was malformed rather than an error
     */
    public SysException(String operation, int errno) {
        super(errno == 0 ? operation : operation + ": " + Errno.describe(errno));
        this.errno = errno;
    }

    /** The error number (errno(3)); 0 for an answer that was not understood. */
    public int errno() {
        return errno;
    }
}
