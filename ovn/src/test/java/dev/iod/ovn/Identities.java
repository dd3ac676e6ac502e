package dev.iod.ovn;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A certificate authority made by openssl, and certificates by it. */
final class Identities {
    private static final char[] PASSWORD = "password".toCharArray();

    private final Path directory;

    Identities(Path directory) {
        this.directory = directory;
        OvnCentral.run(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=test authority",
                "-keyout",
                file("ca.key"),
                "-out",
                file("ca.crt"));
    }

    private String file(String name) {
        return directory.resolve(name).toString();
    }

    Path authority() {
        return directory.resolve("ca.crt");
    }

    Path key(String name) {
        return directory.resolve(name + ".key");
    }

    Path certificate(String name) {
        return directory.resolve(name + ".crt");
    }

    /** A key and a certificate with this common name. */
    void issue(String name) {
        OvnCentral.run(
                "openssl",
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                "/CN=" + name,
                "-keyout",
                file(name + ".key"),
                "-out",
                file(name + ".csr"));
        OvnCentral.run(
                "openssl",
                "x509",
                "-req",
                "-in",
                file(name + ".csr"),
                "-CA",
                file("ca.crt"),
                "-CAkey",
                file("ca.key"),
                "-CAcreateserial",
                "-days",
                "2",
                "-out",
                file(name + ".crt"));
        OvnCentral.run(
                "openssl",
                "pkcs12",
                "-export",
                "-inkey",
                file(name + ".key"),
                "-in",
                file(name + ".crt"),
                "-passout",
                "pass:password",
                "-out",
                file(name + ".p12"));
        Path trust = directory.resolve("trust.p12");
        if (!Files.exists(trust)) {
            OvnCentral.run(
                    System.getProperty("java.home") + "/bin/keytool",
                    "-importcert",
                    "-noprompt",
                    "-alias",
                    "ca",
                    "-file",
                    file("ca.crt"),
                    "-keystore",
                    trust.toString(),
                    "-storepass",
                    "password");
        }
    }

    SSLContext context(String name) throws GeneralSecurityException, IOException {
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(load(name + ".p12"), PASSWORD);
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(load("trust.p12"));
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private KeyStore load(String name) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(directory.resolve(name))) {
            store.load(in, PASSWORD);
        }
        return store;
    }
}
