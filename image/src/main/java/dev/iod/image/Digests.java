package dev.iod.image;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalLong;

/** What the bytes of an image are known by, made while they arrive. */
final class Digests {
    private static final byte[] ZEROS = new byte[1 << 16];

    private final MessageDigest md5 = of("MD5");
    private final MessageDigest sha256 = of("SHA-256");
    private final MessageDigest sha512 = of("SHA-512");

    void update(ByteBuffer bytes) {
        md5.update(bytes.duplicate());
        sha256.update(bytes.duplicate());
        sha512.update(bytes.duplicate());
    }

    void zeros(long count) {
        for (long left = count; left > 0; left -= ZEROS.length) {
            update(ByteBuffer.wrap(ZEROS, 0, (int) Math.min(left, ZEROS.length)));
        }
    }

    /** Of a content that had so many bytes; once. */
    Image.Content content(long sizeBytes) {
        HexFormat hex = HexFormat.of();
        return new Image.Content(
                sizeBytes,
                hex.formatHex(md5.digest()),
                hex.formatHex(sha256.digest()),
                hex.formatHex(sha512.digest()),
                OptionalLong.empty(),
                Optional.empty());
    }

    static MessageDigest of(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has " + algorithm, e);
        }
    }
}
