package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.rest.ApiException;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WebDownloadTest {
    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
    private final AtomicInteger lookedUp = new AtomicInteger();
    private FileServer server;
    private WebDownload downloads;

    @BeforeEach
    void start() throws IOException {
        server = new FileServer();
        downloads = downloads("images.test:%1$d,*.mirror.test:%1$d".formatted(server.port()));
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    /** Every name is this machine, and this machine may be asked. */
    private WebDownload downloads(String hosts) {
        return downloads(
                hosts, (SSLSocketFactory) SSLSocketFactory.getDefault(), Duration.ofMinutes(1));
    }

    private WebDownload downloads(String hosts, SSLSocketFactory tls, Duration limit) {
        return new WebDownload(
                AllowedHosts.parse(hosts),
                name -> {
                    lookedUp.incrementAndGet();
                    return new InetAddress[] {LOOPBACK};
                },
                _ -> true,
                tls,
                limit);
    }

    private URI uri(String path) {
        return URI.create("http://images.test:" + server.port() + path);
    }

    private byte[] read(String path) throws IOException {
        try (WebDownload.Body body = downloads.open(uri(path))) {
            return body.stream().readAllBytes();
        }
    }

    @Test
    void bytesComeAsTheyAre() throws Exception {
        byte[] bytes = new byte[300_001];
        new Random(1).nextBytes(bytes);
        server.file("/a%20b?x=1", bytes);
        try (WebDownload.Body body = downloads.open(uri("/a%20b?x=1#part"))) {
            assertThat(body.sizeBytes()).hasValue(bytes.length);
            assertThat(body.stream().readAllBytes()).isEqualTo(bytes);
        }
        assertThat(server.asked().getFirst())
                .startsWith(
                        "GET /a%20b?x=1 HTTP/1.1\r\nHost: images.test:" + server.port() + "\r\n");
        assertThat(lookedUp).hasValue(1);
    }

    @Test
    void chunksAreJoined() throws Exception {
        server.head(
                "/",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n");
        assertThat(new String(read(""), java.nio.charset.StandardCharsets.US_ASCII))
                .isEqualTo("abc0123456789");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length: 10\r\n\r\nabc",
                "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
                "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
            })
    void halfAnImageIsNone(String answer) {
        server.head("/", "HTTP/1.1 200 OK\r\n" + answer);
        assertThatThrownBy(() -> read("/")).isInstanceOf(EOFException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK\r\n\r\nno length",
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                "HTTP/1.1 206 Partial\r\nContent-Length: 3\r\n\r\nabc",
                "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc",
                "HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
                "HTTP/1.1 302 Found\r\n\r\n",
                "SSH-2.0-OpenSSH_9.2\r\n"
            })
    void whatIsNoAnswerToReadIsRefused(String answer) {
        server.head("/", answer);
        assertThatThrownBy(() -> read("/"))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("could not be downloaded");
    }

    @Test
    void aHeadHasABound() {
        server.head("/", "HTTP/1.1 200 OK\r\nX: " + "x".repeat(40_000) + "\r\n\r\n");
        assertThatThrownBy(() -> read("/")).hasMessageContaining("too long");
    }

    @Test
    void redirectsAreLookedAtAgain() throws Exception {
        server.file("/there", new byte[] {1, 2});
        server.head("/here", "HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n");
        assertThat(read("/here")).containsExactly(1, 2);
        assertThat(lookedUp).hasValue(2);
        server.head(
                "/mirror",
                "HTTP/1.1 307 x\r\nLocation: http://a.mirror.test:%d/there\r\n\r\n"
                        .formatted(server.port()));
        assertThat(read("/mirror")).containsExactly(1, 2);
        Map<String, String> refused =
                Map.of(
                        "http://other.test:" + server.port() + "/there",
                        "that host and port",
                        "http://mirror.test:" + server.port() + "/there",
                        "that host and port",
                        "http://images.test:1/there",
                        "that host and port",
                        "file:///etc/passwd",
                        "only http and https",
                        "gopher://images.test/",
                        "only http and https");
        refused.forEach(
                (location, reason) -> {
                    server.head("/away", "HTTP/1.1 301 x\r\nLocation: " + location + "\r\n\r\n");
                    assertThatThrownBy(() -> read("/away")).hasMessageContaining(reason);
                });
        server.head("/round", "HTTP/1.1 301 x\r\nLocation: /round\r\n\r\n");
        assertThatThrownBy(() -> read("/round")).hasMessageContaining("more than 5 times");
    }

    @Test
    void addressesThatNobodyAllowedAreNotAskedFor() {
        for (String address :
                List.of(
                        "http://images.test/",
                        "https://images.test/",
                        "http://127.0.0.1:%d/",
                        "http://user:secret@images.test:%d/",
                        "ftp://images.test:%d/",
                        "http:///x",
                        "mailto:x@images.test",
                        "http://images.test.evil:%d/",
                        "http://evilmirror.test:%d/")) {
            assertThatThrownBy(() -> downloads.open(URI.create(address.formatted(server.port()))))
                    .as(address)
                    .isInstanceOf(ApiException.class)
                    .hasMessageContaining("does not pass filtering");
        }
        assertThat(lookedUp).hasValue(0);
    }

    @Test
    void aNameOfAnAddressInsideIsRefused() throws Exception {
        InetAddress outside = InetAddress.getByName("93.184.215.14");
        WebDownload strict =
                new WebDownload(
                        AllowedHosts.parse("images.test:" + server.port()),
                        _ -> new InetAddress[] {outside, LOOPBACK},
                        PublicAddresses::contain,
                        (SSLSocketFactory) SSLSocketFactory.getDefault(),
                        Duration.ofMinutes(1));
        server.file("/", new byte[1]);
        assertThatThrownBy(() -> strict.open(uri("/")))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("not public");
        assertThat(server.asked()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0.0.0.0",
                "10.1.2.3",
                "100.64.0.1",
                "127.0.0.1",
                "127.255.0.9",
                "169.254.169.254",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.0.8",
                "192.168.1.1",
                "198.18.0.1",
                "198.19.255.1",
                "224.0.0.1",
                "239.1.1.1",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "::ffff:10.0.0.1",
                "::10.0.0.1",
                "64:ff9b::a00:1",
                "fe80::1",
                "fec0::1",
                "fd00:ec2::254",
                "ff02::1",
                "2001:db8::1",
                "2001::1",
                "2002:a00:1::"
            })
    void addressesInsideAreNotPublic(String address) throws Exception {
        assertThat(PublicAddresses.isPublic(InetAddress.getByName(address))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
                "172.15.255.255", "172.32.0.0", "192.0.1.1", "198.17.255.255", "198.20.0.0",
                "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888"
            })
    void othersArePublic(String address) throws Exception {
        assertThat(PublicAddresses.isPublic(InetAddress.getByName(address))).isTrue();
    }

    @Test
    void noAddressOfThisMachineIsReached() throws Exception {
        NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .forEach(own -> assertThat(PublicAddresses.contain(own)).isFalse());
        assertThat(PublicAddresses.contain(InetAddress.getByName("1.1.1.1"))).isTrue();
    }

    @Test
    void aDownloadThatTakesTooLongIsCutOff() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        server.answer(
                "/",
                out -> {
                    out.write(FileServer.ascii("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
                    out.flush();
                    over.await();
                });
        WebDownload brief =
                downloads(
                        "images.test:" + server.port(),
                        (SSLSocketFactory) SSLSocketFactory.getDefault(),
                        Duration.ofMillis(500));
        try (WebDownload.Body body = brief.open(uri("/"))) {
            assertThatThrownBy(() -> body.stream().readAllBytes()).isInstanceOf(IOException.class);
        } finally {
            over.countDown();
        }
    }

    @Test
    void certificatesAreOfTheNameThatWasAskedFor(@TempDir Path directory) throws Exception {
        Path store = directory.resolve("keys");
        Process keytool =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
                                "-genkeypair",
                                "-alias",
                                "k",
                                "-keyalg",
                                "EC",
                                "-dname",
                                "CN=images.test",
                                "-ext",
                                "san=dns:images.test",
                                "-keystore",
                                store.toString(),
                                "-storepass",
                                "secret")
                        .inheritIO()
                        .start();
        assertThat(keytool.waitFor()).isZero();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (var in = Files.newInputStream(store)) {
            keys.load(in, "secret".toCharArray());
        }
        KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
        own.init(keys, "secret".toCharArray());
        TrustManagerFactory trusted = TrustManagerFactory.getInstance("PKIX");
        trusted.init(keys);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), trusted.getTrustManagers(), null);
        SSLServerSocket socket =
                (SSLServerSocket)
                        context.getServerSocketFactory().createServerSocket(0, 10, LOOPBACK);
        try (FileServer secure = new FileServer(socket)) {
            secure.file("/", new byte[] {5});
            secure.head("/down", "HTTP/1.1 302 x\r\nLocation: http://images.test/\r\n\r\n");
            String hosts = "images.test:%1$d,other.test:%1$d,images.test".formatted(secure.port());
            String address = "https://%s:" + secure.port();
            WebDownload trusting =
                    downloads(hosts, context.getSocketFactory(), Duration.ofMinutes(1));
            URI right = URI.create(address.formatted("images.test"));
            try (WebDownload.Body body = trusting.open(right)) {
                assertThat(body.stream().readAllBytes()).containsExactly(5);
            }
            assertThatThrownBy(() -> trusting.open(URI.create(address.formatted("other.test"))))
                    .isInstanceOf(SSLHandshakeException.class);
            assertThatThrownBy(() -> downloads(hosts).open(right))
                    .isInstanceOf(SSLHandshakeException.class);
            assertThatThrownBy(() -> trusting.open(right.resolve("/down")))
                    .hasMessageContaining("it was to come by https");
        }
    }

    @Test
    void hostsAreReadFromASetting() {
        assertThat(AllowedHosts.parse("").entries()).isEmpty();
        assertThat(AllowedHosts.parse(" ").entries()).isEmpty();
        assertThat(AllowedHosts.parse("A.test, *.b.test:8080").entries())
                .containsExactly(
                        new AllowedHosts.Entry("a.test", 0),
                        new AllowedHosts.Entry("*.b.test", 8080));
        for (String wrong :
                List.of(",", "a,", "*", "a b", "a:", "a:0", "a:70000", "http://a", "*a.b")) {
            assertThatThrownBy(() -> AllowedHosts.parse(wrong))
                    .as(wrong)
                    .isInstanceOf(IllegalArgumentException.class);
        }
        AllowedHosts hosts = AllowedHosts.parse("a.test");
        assertThat(hosts.allow(URI.create("http://A.test/"))).isTrue();
        assertThat(hosts.allow(URI.create("https://a.test:443/"))).isTrue();
        assertThat(hosts.allow(URI.create("https://a.test:80/"))).isFalse();
    }
}
