package dev.iod.compute;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.interfaces.RSAPrivateCrtKey;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** SSH keys in OpenSSH's formats, made with the JDK. */
final class OpenSshKeys {
    static final int RSA_BITS = 2048;

    private static final Pattern PUBLIC_KEY =
            Pattern.compile("(?<type>[a-z0-9@.-]+) +(?<data>[A-Za-z0-9+/]+={0,2})( .*)?");

    /** Key types that OpenSSH and dropbear take as authorized keys. */
    private static final Set<String> TYPES =
            Set.of(
                    "ssh-rsa",
                    "ssh-ed25519",
                    "ecdsa-sha2-nistp256",
                    "ecdsa-sha2-nistp384",
                    "ecdsa-sha2-nistp521",
                    "sk-ssh-ed25519@openssh.com",
                    "sk-ecdsa-sha2-nistp256@openssh.com");

    private OpenSshKeys() {}

    /**
     * A key made here.
     *
     * @param publicKey one line as in {@code authorized_keys}
     * @param privateKey PKCS #1 in PEM, which every SSH client reads (RFC 8017 appendix A.1.2)
     */
    record Generated(String publicKey, String privateKey) {}

    /** A new RSA key, the type Nova makes. */
    static Generated generate() {
        KeyPair pair;
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(RSA_BITS);
            pair = generator.generateKeyPair();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has RSA", e);
        }
        RSAPrivateCrtKey key = (RSAPrivateCrtKey) pair.getPrivate();
        String data = Base64.getEncoder().encodeToString(rsaBlob(key));
        return new Generated("ssh-rsa " + data + " Generated-by-Nova", pkcs1(pair));
    }

    /**
     * The fingerprint Nova shows: MD5 over the key's blob in hexadecimal with colons.
     *
     * @return empty when the text is not one public key in OpenSSH's format (RFC 4253 §6.6)
     */
    static Optional<String> fingerprint(String publicKey) {
        Matcher matcher = PUBLIC_KEY.matcher(publicKey.strip());
        if (!matcher.matches() || !TYPES.contains(matcher.group("type"))) {
            return Optional.empty();
        }
        byte[] blob;
        try {
            blob = Base64.getDecoder().decode(matcher.group("data"));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
        if (!innerType(blob).equals(matcher.group("type"))) {
            return Optional.empty();
        }
        try {
            byte[] hash = MessageDigest.getInstance("MD5").digest(blob);
            return Optional.of(HexFormat.ofDelimiter(":").formatHex(hash));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has MD5", e);
        }
    }

    /** The type a blob names itself; empty when it is not well-formed (RFC 4251 §5). */
    private static String innerType(byte[] blob) {
        if (blob.length < 4) {
            return "";
        }
        int length = ByteBuffer.wrap(blob).getInt();
        return length <= 0 || length > blob.length - 5
                ? ""
                : new String(blob, 4, length, StandardCharsets.US_ASCII);
    }

    private static byte[] rsaBlob(RSAPrivateCrtKey key) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            writeString(out, "ssh-rsa".getBytes(StandardCharsets.US_ASCII));
            writeString(out, key.getPublicExponent().toByteArray());
            writeString(out, key.getModulus().toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory", e);
        }
        return bytes.toByteArray();
    }

    private static void writeString(DataOutputStream out, byte[] value) throws IOException {
        out.writeInt(value.length);
        out.write(value);
    }

    private static String pkcs1(KeyPair pair) {
        RSAPrivateCrtKey key = (RSAPrivateCrtKey) pair.getPrivate();
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (BigInteger number :
                new BigInteger[] {
                    BigInteger.ZERO,
                    key.getModulus(),
                    key.getPublicExponent(),
                    key.getPrivateExponent(),
                    key.getPrimeP(),
                    key.getPrimeQ(),
                    key.getPrimeExponentP(),
                    key.getPrimeExponentQ(),
                    key.getCrtCoefficient()
                }) {
            writeDer(body, 0x02, number.toByteArray());
        }
        ByteArrayOutputStream sequence = new ByteArrayOutputStream();
        writeDer(sequence, 0x30, body.toByteArray());
        String base64 =
                Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(sequence.toByteArray());
        return "-----BEGIN RSA PRIVATE KEY-----\n" + base64 + "\n-----END RSA PRIVATE KEY-----\n";
    }

    /** Tag, length and value (X.690 §8.1.3). */
    private static void writeDer(ByteArrayOutputStream out, int tag, byte[] value) {
        out.write(tag);
        if (value.length < 0x80) {
            out.write(value.length);
        } else if (value.length < 0x100) {
            out.write(0x81);
            out.write(value.length);
        } else {
            out.write(0x82);
            out.write(value.length >> 8);
            out.write(value.length);
        }
        out.writeBytes(value);
    }
}
