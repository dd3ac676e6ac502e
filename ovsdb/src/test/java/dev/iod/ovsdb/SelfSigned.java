package dev.iod.ovsdb;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A key whose certificate is its own authority, for both ends of a connection: as files for
 * ovsdb-server and as a context for us. Made by the JDK's keytool.
 */
record SelfSigned(Path key, Path certificate, SSLContext context) {
    private static final String WORD = "password";

    static SelfSigned make(Path directory) throws IOException, GeneralSecurityException {
        Path file = directory.resolve("identity.p12");
        Process keytool =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
                                "-genkeypair",
                                "-keyalg",
                                "RSA",
                                "-alias",
                                "it",
                                "-dname",
                                "CN=it",
                                "-ext",
                                "bc=ca:true",
                                "-keystore",
                                file.toString(),
                                "-storepass",
                                WORD)
                        .redirectErrorStream(true)
                        .redirectOutput(directory.resolve("keytool.log").toFile())
                        .start();
        if (keytool.onExit().join().exitValue() != 0) {
            throw new IllegalStateException(Files.readString(directory.resolve("keytool.log")));
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, WORD.toCharArray());
        }
        byte[] key = store.getKey("it", WORD.toCharArray()).getEncoded();
        byte[] certificate = store.getCertificate("it").getEncoded();
        return new SelfSigned(
                pem(directory.resolve("key.pem"), "PRIVATE KEY", key),
                pem(directory.resolve("certificate.pem"), "CERTIFICATE", certificate),
                context(store));
    }

    private static SSLContext context(KeyStore identity)
            throws GeneralSecurityException, IOException {
        KeyStore authority = KeyStore.getInstance("PKCS12");
        authority.load(null, null);
        authority.setCertificateEntry("it", identity.getCertificate("it"));
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(authority);
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(identity, WORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static Path pem(Path file, String kind, byte[] content) throws IOException {
        String body =
                Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                        .encodeToString(content);
        return Files.writeString(
                file, "-----BEGIN %s-----\n%s\n-----END %s-----\n".formatted(kind, body, kind));
    }
}
