package dev.iod.sys;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/** Named network namespaces, as ip-netns(8) makes them. */
public final class NetNamespace {
    private static final Path DIRECTORY = Path.of("/run/netns");

    private NetNamespace() {}

    /**
     * Runs a task inside a namespace and waits for it. The task gets a platform thread of its own,
     * which ends afterwards, so that no other code ever finds itself in the wrong namespace.
     * Sockets and TUN descriptors opened by the task stay in the namespace wherever they are used.
     *
     * @param name file name below /run/netns
     * @throws SysException when the namespace cannot be entered, or from the task
     */
    public static <T> T call(String name, Supplier<T> task) {
        if (name.isEmpty() || name.contains("/") || name.equals(".") || name.equals("..")) {
            throw new IllegalArgumentException("not the name of a namespace: " + name);
        }
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread.ofPlatform()
                .name("netns-" + name)
                .start(
                        () -> {
                            try {
                                enter(name);
                                result.complete(task.get());
                            } catch (RuntimeException | Error e) {
                                result.completeExceptionally(e);
                            }
                        });
        try {
            return result.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    private static void enter(String name) {
        int fd = Linux.open(DIRECTORY.resolve(name), Linux.O_RDONLY);
        try {
            Linux.enterNetworkNamespace(fd);
        } finally {
            Linux.close(fd);
        }
    }
}
