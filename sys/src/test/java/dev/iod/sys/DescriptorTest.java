package dev.iod.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class DescriptorTest {
    @TempDir Path directory;

    @Test
    void descriptorsTravelThroughASocketAndShareMemory() {
        Path path = directory.resolve("s");
        try (var listener = UnixSocket.listen(path, 1);
                var client = UnixSocket.connect(path);
                var server = listener.accept()) {
            int memfd = Linux.memfd("test", 8192);
            try (var event = EventFd.create()) {
                client.send(new byte[] {1, 2, 3}, 0, 3, memfd, event.fd());
                byte[] buffer = new byte[16];
                List<Integer> received = new ArrayList<>();
                assertThat(server.receive(buffer, 4, 12, received)).isEqualTo(3);
                assertThat(buffer).startsWith(0, 0, 0, 0, 1, 2, 3);
                assertThat(received).hasSize(2);
                try (var mine = Mapping.shared(memfd, 0, 8192);
                        var theirs = Mapping.shared(received.get(0), 0, 8192)) {
                    Memory.writeLong(mine.address() + 4096, 42);
                    assertThat(Memory.readLong(theirs.address() + 4096)).isEqualTo(42);
                }
                EventFd.signal(received.get(1));
                assertThat(event.drain()).isEqualTo(1);
                assertThat(event.drain()).isZero();
                received.forEach(Linux::close);
            }
            Linux.close(memfd);
        }
    }

    @Test
    void largeMessagesArriveWhole() throws InterruptedException {
        Path path = directory.resolve("s");
        byte[] sent = new byte[300_000];
        new Random(7).nextBytes(sent);
        try (var listener = UnixSocket.listen(path, 1);
                var client = UnixSocket.connect(path);
                var server = listener.accept()) {
            Thread sender = Thread.ofPlatform().start(() -> client.send(sent, 0, sent.length));
            byte[] got = new byte[sent.length];
            int n = 0;
            while (n < got.length) {
                n += server.receive(got, n, got.length - n, new ArrayList<>());
            }
            sender.join();
            assertThat(got).isEqualTo(sent);
        }
    }

    @Test
    void shutdownWakesAReader() throws InterruptedException {
        Path path = directory.resolve("s");
        try (var listener = UnixSocket.listen(path, 1);
                var client = UnixSocket.connect(path);
                var server = listener.accept()) {
            List<Integer> result = new ArrayList<>();
            Thread reader =
                    Thread.ofPlatform()
                            .start(
                                    () ->
                                            result.add(
                                                    server.receive(
                                                            new byte[1], 0, 1, new ArrayList<>())));
            server.shutdown();
            reader.join();
            assertThat(result).containsExactly(-1);
            assertThatThrownBy(() -> client.send(new byte[1], 0, 1))
                    .isInstanceOfSatisfying(
                            SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
        }
    }

    @Test
    void dialingNobodySaysSo() {
        assertThatThrownBy(() -> UnixSocket.connect(directory.resolve("nobody")))
                .isInstanceOfSatisfying(
                        SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
                .hasMessageContaining("ENOENT");
        assertThatThrownBy(() -> UnixSocket.connect(Path.of("/" + "x".repeat(120))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("107");
    }

    @Test
    void setsNestAndEdgesReportOncePerSignal() {
        try (var inner = Epoll.create();
                var outer = Epoll.create();
                var event = EventFd.create()) {
            inner.add(event.fd(), Epoll.READABLE | Epoll.EDGE);
            outer.add(inner.fd(), Epoll.READABLE);
            assertThat(outer.await(0)).isZero();
            for (int i = 0; i < 3; i++) {
                event.signal();
                assertThat(outer.await(1000)).isEqualTo(1);
                assertThat(outer.readyDescriptor(0)).isEqualTo(inner.fd());
                assertThat(inner.await(0)).isEqualTo(1);
                assertThat(inner.readyDescriptor(0)).isEqualTo(event.fd());
                assertThat(outer.await(0)).as("read by nobody, yet quiet again").isZero();
            }
            inner.remove(event.fd());
        }
    }

    @Test
    void sealsAreReadBack() {
        int memfd = Linux.memfd("sealed", 4096);
        assertThat(Linux.seals(memfd)).isZero();
        Linux.seal(memfd, Linux.F_SEAL_SHRINK | Linux.F_SEAL_GROW);
        assertThat(Linux.seals(memfd)).isEqualTo(Linux.F_SEAL_SHRINK | Linux.F_SEAL_GROW);
        assertThatThrownBy(() -> Linux.truncate(memfd, 0)).isInstanceOf(SysException.class);
        assertThat(Linux.size(memfd)).isEqualTo(4096);
        Linux.close(memfd);
    }

    @Test
    void fileMappingsOutliveTheirProcess() {
        Path path = directory.resolve("table");
        try (var first = Mapping.file(path, 10_000)) {
            Memory.writeInt(first.address() + 9_000, 77);
        }
        try (var second = Mapping.file(path, 10_000)) {
            assertThat(Memory.readInt(second.address() + 9_000)).isEqualTo(77);
        }
    }

    @Test
    void theCpuTimeOfAProcessGrows() {
        long pid = ProcessHandle.current().pid();
        long before = Linux.processCpuNanos(pid);
        assertThat(before).isPositive();
        while (Linux.processCpuNanos(pid) - before < 1_000_000) {
            Thread.onSpinWait();
        }
        assertThatThrownBy(() -> Linux.processCpuNanos(1L << 22)).isInstanceOf(SysException.class);
    }

    @Test
    void aProcessGroupStandsStillAndGoesOn() throws Exception {
        Process process = new ProcessBuilder("setsid", "sleep", "600").start();
        try {
            Path status = Path.of("/proc/" + process.pid() + "/stat");
            await(() -> Files.readString(status).contains("(sleep)"));
            Linux.stopGroup(process.pid(), true);
            await(() -> Files.readString(status).contains("(sleep) T"));
            Linux.stopGroup(process.pid(), false);
            await(() -> Files.readString(status).contains("(sleep) S"));
        } finally {
            process.destroyForcibly().waitFor();
        }
        Linux.stopGroup(process.pid(), true); // There is none any more.
        assertThatThrownBy(() -> Linux.stopGroup(0, true))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aThreadHasANicenessAndASliceOfItsOwn() throws Exception {
        var found = new CompletableFuture<String>();
        Thread thread =
                new Thread(
                        () -> {
                            try {
                                assertThat(Linux.prioritizeThread(7, 200_000)).isTrue();
                                String stat = Files.readString(Path.of("/proc/thread-self/stat"));
                                found.complete(stat.substring(stat.lastIndexOf(')')));
                            } catch (IOException | RuntimeException | AssertionError e) {
                                found.completeExceptionally(e);
                            }
                        });
        thread.start();
        // The 19th field of proc_pid_stat(5), the 17th behind the name.
        assertThat(found.get(60, TimeUnit.SECONDS).split(" ")[17]).isEqualTo("7");
        thread.join();
    }

    /** Also threads made by threads that were not changed yet, and by those that were. */
    @Test
    void allThreadsOfAProcessHaveOneNiceness() throws Exception {
        assertThat(Linux.prioritizeProcess(5)).isTrue();
        var stop = new AtomicBoolean();
        List<Thread> makers = new ArrayList<>();
        try {
            for (int i = 0; i < 4; i++) {
                Thread maker =
                        new Thread(
                                () -> {
                                    assertThat(Linux.prioritizeThread(6, 0)).isTrue();
                                    while (!stop.get()) {
                                        Thread child = new Thread(() -> {});
                                        child.start();
                                        join(child);
                                    }
                                });
                makers.add(maker);
                maker.start();
            }
            await(() -> niceness().contains("6"));
            assertThat(Linux.prioritizeProcess(7)).isTrue();
            assertThat(niceness()).containsOnly("7");
        } finally {
            stop.set(true);
            makers.forEach(DescriptorTest::join);
            Linux.prioritizeProcess(0); // as far as the tests' user may
        }
    }

    /** Of each thread of this process. */
    private static List<String> niceness() throws IOException {
        List<String> all = new ArrayList<>();
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            for (Path task : tasks.toList()) {
                try {
                    String stat = Files.readString(task.resolve("stat"));
                    // The 19th field of proc_pid_stat(5), the 17th behind the name.
                    all.add(stat.substring(stat.lastIndexOf(')')).split(" ")[17]);
                } catch (IOException e) {
                    assertThat(task).doesNotExist(); // that thread has ended
                }
            }
        }
        return all;
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        while (!condition.call()) {
            Thread.onSpinWait();
        }
    }

    @Test
    void pollReportsReadableDescriptors() {
        try (var a = EventFd.create();
                var b = EventFd.create()) {
            assertThat(Linux.pollReadable(new int[] {a.fd(), b.fd()}, 0)).isZero();
            b.signal();
            assertThat(Linux.pollReadable(new int[] {a.fd(), b.fd()}, 1000)).isEqualTo(1);
        }
    }

    @Test
    void hugePagesAreTold() throws Exception {
        int memfd = Linux.memfd("small", 4096);
        assertThat(Linux.isHugePages(memfd)).isFalse();
        Linux.close(memfd);
        for (String line : Files.readAllLines(Path.of("/proc/self/mounts"))) {
            String[] mount = line.split(" ");
            if (mount[2].equals("hugetlbfs") && Files.isReadable(Path.of(mount[1]))) {
                int directory = Linux.open(Path.of(mount[1]), Linux.O_RDONLY);
                assertThat(Linux.isHugePages(directory)).as(line).isTrue();
                Linux.close(directory);
            }
        }
    }
}
