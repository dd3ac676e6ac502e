package dev.iod.control;

import dev.iod.pki.CertificateAuthority;
import dev.iod.runtime.Keys;
import dev.iod.runtime.Pem;
import dev.iod.runtime.TlsIdentity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.time.Clock;
import java.util.List;

/**
 * The region's keys in {@code pki/}: made at the first start, before anything listens, since OVN's
 * databases and nodes need them too.
 */
record Pki(CertificateAuthority authority, TlsIdentity region) {

    static Pki loadOrCreate(Path directory, Clock clock) {
        try {
            if (!Files.exists(directory)) {
                Files.createDirectories(directory);
                Files.setPosixFilePermissions(
                        directory, PosixFilePermissions.fromString("rwxr-xr-x"));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make " + directory, e);
        }
        Path authorityFile = directory.resolve("ca.crt");
        CertificateAuthority authority =
                CertificateAuthority.loadOrCreate(
                        authorityFile, directory.resolve("ca.key"), "IoD region", clock);
        Path key = directory.resolve("region.key");
        Path certificate = directory.resolve("region.crt");
        // The certificate is written last; a key alone is left by a crash and made anew.
        if (!Files.exists(certificate)) {
            KeyPair pair = Keys.generate();
            Pem.write(key, pair.getPrivate());
            Pem.write(
                    certificate,
                    List.of(
                            authority.issueServer(
                                    pair.getPublic(),
                                    "region",
                                    List.of("localhost", "region"),
                                    List.of(InetAddress.getLoopbackAddress()))));
        }
        return new Pki(authority, TlsIdentity.load(key, certificate, authorityFile));
    }
}
