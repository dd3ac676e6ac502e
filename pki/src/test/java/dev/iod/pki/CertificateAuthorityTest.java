package dev.iod.pki;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.runtime.Keys;
import dev.iod.runtime.Pem;
import dev.iod.runtime.SetupException;
import dev.iod.runtime.TlsIdentity;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OpenSSL, which nobody here wrote, is the judge of what is issued. */
class CertificateAuthorityTest {
    @TempDir Path directory;

    private CertificateAuthority authority() {
        return CertificateAuthority.loadOrCreate(
                path("ca.crt"), path("ca.key"), "IoD region", Clock.systemUTC());
    }

    private Path path(String name) {
        return directory.resolve(name);
    }

    private String openssl(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(Arrays.asList(arguments));
        Process process =
                new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    @Test
    void opensslAcceptsRegionAndNodeCertificates() throws Exception {
        CertificateAuthority authority = authority();
        KeyPair region = Keys.generate();
        Pem.write(path("region.key"), region.getPrivate());
        X509Certificate issued =
                authority.issueServer(
                        region.getPublic(),
                        "region",
                        List.of("localhost", "region"),
                        List.of(InetAddress.getByName("127.0.0.1")));
        Pem.write(path("region.crt"), List.of(issued));
        KeyPair node = Keys.generate();
        SigningRequest request = SigningRequest.parse(SigningRequest.build(node, "n1"));
        Pem.write(path("node.crt"), List.of(authority.issueNode(request, "n1")));

        assertThat(
                        openssl(
                                "verify",
                                "-x509_strict",
                                "-CAfile",
                                "ca.crt",
                                "-purpose",
                                "sslserver",
                                "-verify_ip",
                                "127.0.0.1",
                                "region.crt"))
                .contains("OK");
        assertThat(
                        openssl(
                                "verify",
                                "-x509_strict",
                                "-CAfile",
                                "ca.crt",
                                "-verify_hostname",
                                "localhost",
                                "region.crt"))
                .contains("OK");
        assertThat(
                        openssl(
                                "verify",
                                "-x509_strict",
                                "-CAfile",
                                "ca.crt",
                                "-purpose",
                                "sslclient",
                                "node.crt"))
                .contains("OK");
        assertThat(openssl("x509", "-in", "node.crt", "-noout", "-subject")).contains("CN = n1");
        openssl("pkey", "-in", "region.key", "-check", "-noout");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path("region.key"))))
                .isEqualTo("rw-------");
    }

    @Test
    void opensslAndWeReadEachOthersSigningRequests() throws Exception {
        Files.write(path("ours.der"), SigningRequest.build(Keys.generate(), "node-7"));
        assertThat(
                        openssl(
                                "req",
                                "-inform",
                                "DER",
                                "-in",
                                "ours.der",
                                "-verify",
                                "-noout",
                                "-subject"))
                .contains("OK")
                .contains("CN = node-7");
        openssl(
                "req",
                "-new",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-keyout",
                "k",
                "-subj",
                "/O=x/CN=theirs",
                "-sha256",
                "-outform",
                "DER",
                "-out",
                "theirs.der");
        assertThat(SigningRequest.parse(Files.readAllBytes(path("theirs.der"))).name())
                .isEqualTo("theirs");
    }

    @Test
    void refusesRequestsThatWereTamperedWith() {
        byte[] request = SigningRequest.build(Keys.generate(), "n1");
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 500; i++) {
            byte[] bad = request.clone();
            int where = random.nextInt(bad.length);
            bad[where] ^= (byte) (1 << random.nextInt(8));
            assertThatThrownBy(() -> SigningRequest.parse(bad))
                    .as("seed %d, byte %d", seed, where)
                    .isInstanceOf(SetupException.class);
        }
        for (int length = 0; length < request.length; length += 7) {
            byte[] cut = Arrays.copyOf(request, length);
            assertThatThrownBy(() -> SigningRequest.parse(cut)).isInstanceOf(SetupException.class);
        }
    }

    @Test
    void refusesAnotherNodesName() {
        SigningRequest request = SigningRequest.parse(SigningRequest.build(Keys.generate(), "n2"));
        assertThatThrownBy(() -> authority().issueNode(request, "n1"))
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("n2");
    }

    @Test
    void theSameFilesAreTheSameAuthority() {
        X509Certificate first = authority().certificate();
        assertThat(authority().certificate()).isEqualTo(first);
        Pem.write(path("ca.key"), Keys.generate().getPrivate());
        assertThatThrownBy(this::authority).isInstanceOf(SetupException.class);
    }

    @Test
    void mutualTlsWithBothIdentities() throws Exception {
        CertificateAuthority authority = authority();
        TlsIdentity server = identity(authority, "region");
        TlsIdentity client = identity(authority, "n1");
        try (SSLServerSocket listener =
                (SSLServerSocket)
                        server.sslContext().getServerSocketFactory().createServerSocket(0)) {
            listener.setNeedClientAuth(true);
            Thread peer =
                    Thread.startVirtualThread(
                            () -> {
                                try (var accepted = listener.accept()) {
                                    accepted.getOutputStream()
                                            .write(accepted.getInputStream().read());
                                } catch (IOException e) {
                                    throw new java.io.UncheckedIOException(e);
                                }
                            });
            try (SSLSocket socket =
                    (SSLSocket)
                            client.sslContext()
                                    .getSocketFactory()
                                    .createSocket("localhost", listener.getLocalPort())) {
                socket.getOutputStream().write(42);
                assertThat(socket.getInputStream().read()).isEqualTo(42);
                assertThat(socket.getSession().getPeerPrincipal().getName()).isEqualTo("CN=region");
            }
            peer.join();
        }
    }

    private TlsIdentity identity(CertificateAuthority authority, String name) {
        KeyPair pair = Keys.generate();
        X509Certificate issued =
                authority.issueServer(pair.getPublic(), name, List.of("localhost"), List.of());
        return new TlsIdentity(
                pair.getPrivate(), List.of(issued), List.of(authority.certificate()));
    }
}
