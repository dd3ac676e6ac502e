/**
 * Kernel and C-library interfaces through java.lang.foreign, and {@link dev.iod.sys.Memory}, the
 * one class that touches raw addresses.
 *
 * <p>Owns no thread. Objects with a descriptor ({@link dev.iod.sys.EventFd}, {@link
 * dev.iod.sys.Epoll}, {@link dev.iod.sys.UnixSocket}, …) belong to the thread that made them unless
 * their Javadoc says otherwise; only the owner closes one, because a descriptor number that was
 * closed is given to the next file opened by any thread.
 *
 * <p>All foreign functions are declared in {@code Libc}; every error becomes a {@link
 * dev.iod.sys.SysException} that carries the errno.
 */
package dev.iod.sys;
