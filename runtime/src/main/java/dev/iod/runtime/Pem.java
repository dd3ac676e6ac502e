package dev.iod.runtime;

import static dev.iod.runtime.SetupException.Category.IDENTITY;
import static dev.iod.runtime.SetupException.Category.IO;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Keys and certificates in textual encoding (RFC 7468). Files are replaced atomically. */
public final class Pem {
    private static final int FILE_LIMIT_BYTES = 1 << 20;
    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\\s]*)-----END \\1-----");

    private Pem() {}

    /** All certificates of a file, at least one, in its order. */
    public static List<X509Certificate> certificates(Path file) {
        List<X509Certificate> certificates = new ArrayList<>();
        for (byte[] der : blocks(file, "CERTIFICATE")) {
            certificates.add(certificate(der));
        }
        return List.copyOf(certificates);
    }

    /** One certificate from DER. */
    public static X509Certificate certificate(byte[] der) {
        try {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der));
        } catch (CertificateException e) {
            throw new SetupException(IDENTITY, "not a certificate: " + e.getMessage(), e);
        }
    }

    /** The EC private key (PKCS#8) of a file. */
    public static PrivateKey privateKey(Path file) {
        return Keys.privateKey(blocks(file, "PRIVATE KEY").getFirst());
    }

    /** Writes a key that only its owner can read. */
    public static void write(Path file, PrivateKey key) {
        replace(file, block("PRIVATE KEY", key.getEncoded()), "rw-------");
    }

    public static void write(Path file, List<X509Certificate> certificates) {
        StringBuilder text = new StringBuilder();
        for (X509Certificate certificate : certificates) {
            text.append(block("CERTIFICATE", encoded(certificate)));
        }
        replace(file, text.toString(), "rw-r--r--");
    }

    static byte[] encoded(X509Certificate certificate) {
        try {
            return certificate.getEncoded();
        } catch (CertificateEncodingException e) {
            throw new SetupException(IDENTITY, "cannot encode a certificate", e);
        }
    }

    private static String block(String type, byte[] content) {
        byte[] newline = {'\n'};
        String text = Base64.getMimeEncoder(64, newline).encodeToString(content);
        return "-----BEGIN " + type + "-----\n" + text + "\n-----END " + type + "-----\n";
    }

    private static List<byte[]> blocks(Path file, String type) {
        List<byte[]> found = new ArrayList<>();
        try {
            if (Files.size(file) > FILE_LIMIT_BYTES) {
                throw new SetupException(IDENTITY, file + " is larger than 1 MiB");
            }
            Matcher matcher = BLOCK.matcher(Files.readString(file, StandardCharsets.US_ASCII));
            while (matcher.find()) {
                if (matcher.group(1).equals(type)) {
                    found.add(Base64.getMimeDecoder().decode(matcher.group(2)));
                }
            }
        } catch (IOException | IllegalArgumentException e) {
            throw new SetupException(IDENTITY, "cannot read " + file + ": " + e, e);
        }
        if (found.isEmpty()) {
            throw new SetupException(IDENTITY, file + " holds no " + type);
        }
        return found;
    }

    private static void replace(Path file, String text, String mode) {
        try {
            AtomicFile.replace(file, text.getBytes(StandardCharsets.US_ASCII), mode);
        } catch (IOException e) {
            throw new SetupException(IO, "cannot write " + file + ": " + e, e);
        }
    }
}
