package dev.iod.identity;

import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/**
 * Password hashes: PBKDF2 with HMAC-SHA-512 (RFC 8018), since the JDK has no bcrypt. 210,000
 * iterations is what OWASP's password storage sheet asks of this function; the number is kept in
 * each hash and can be raised.
 */
final class Passwords {
    /** Longest password taken, in characters. */
    static final int MAX_LENGTH = 1024;

    private static final String SCHEME = "pbkdf2-sha512";
    private static final int ITERATIONS = 210_000;
    private static final int SALT_BYTES = 16;
    private static final int HASH_BYTES = 64;
    private static final int WAIT_SECONDS = 10;
    private static final SecureRandom RANDOM = new SecureRandom();

    // Hashing takes a core for 0.1 s; a flood of logins must not take all of them.
    private static final Semaphore CORES =
            new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 2), true);

    private static final AtomicLong HASHES = new AtomicLong();

    private static final String NOBODY =
            encode(ITERATIONS, new byte[SALT_BYTES], new byte[HASH_BYTES]);

    private Passwords() {}

    static String hash(String password) {
        byte[] salt = new byte[SALT_BYTES];
        RANDOM.nextBytes(salt);
        return encode(ITERATIONS, salt, derive(password, salt, ITERATIONS));
    }

    /** Whether the password belongs to the hash; as slow without a hash as with one. */
    static boolean verify(String password, Optional<String> hash) {
        String[] parts = hash.orElse(NOBODY).split("\\$", 4);
        if (parts.length != 4 || !parts[0].equals(SCHEME)) {
            throw new IllegalStateException(
                    "a password hash in the database has an unknown scheme");
        }
        byte[] salt = Base64.getDecoder().decode(parts[2]);
        byte[] expected = Base64.getDecoder().decode(parts[3]);
        byte[] actual = derive(password, salt, Integer.parseInt(parts[1]));
        return MessageDigest.isEqual(expected, actual) && hash.isPresent();
    }

    /** Hashes computed by this process, each about 0.15 s of a core. */
    static long hashes() {
        return HASHES.get();
    }

    private static String encode(int iterations, byte[] salt, byte[] hash) {
        Base64.Encoder base64 = Base64.getEncoder();
        return "%s$%d$%s$%s"
                .formatted(
                        SCHEME,
                        iterations,
                        base64.encodeToString(salt),
                        base64.encodeToString(hash));
    }

    private static byte[] derive(String password, byte[] salt, int iterations) {
        try {
            if (!CORES.tryAcquire(WAIT_SECONDS, TimeUnit.SECONDS)) {
                throw new ApiException(Fault.UNAVAILABLE, "Too many logins at once; try again.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(Fault.UNAVAILABLE, "The region is stopping.", e);
        }
        HASHES.incrementAndGet();
        PBEKeySpec spec =
                new PBEKeySpec(password.toCharArray(), salt, iterations, HASH_BYTES * Byte.SIZE);
        try {
            return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA512")
                    .generateSecret(spec)
                    .getEncoded();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has PBKDF2WithHmacSHA512", e);
        } finally {
            spec.clearPassword();
            CORES.release();
        }
    }
}
