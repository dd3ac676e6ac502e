package dev.iod.identity;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Passwords that were right a short while ago, so that a script's hundred logins cost one hash.
 * What is kept is an HMAC under a key of this process, by the stored hash: a changed password is
 * another entry. A wrong password always costs the full hash. Thread-safe.
 */
final class VerifiedPasswords {
    /** How long one is remembered. */
    static final Duration LIFETIME = Duration.ofMinutes(5);

    /** Remembered at once; the oldest goes first. */
    static final int MAX_ENTRIES = 10_000;

    private static final String ALGORITHM = "HmacSHA256";
    private static final int KEY_BYTES = 32;

    private final Clock clock;
    private final SecretKeySpec key;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private record Entry(byte[] mac, Instant until) {}

    VerifiedPasswords(Clock clock) {
        byte[] random = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(random);
        this.clock = clock;
        this.key = new SecretKeySpec(random, ALGORITHM);
    }

    /**
     * Whether the password belongs to the stored hash. Without a hash it takes as long as with one
     * that is not remembered.
     */
    boolean verify(String password, Optional<String> hash) {
        if (hash.isPresent() && remembered(password, hash.get())) {
            return true;
        }
        boolean matches = Passwords.verify(password, hash);
        if (matches) {
            hash.ifPresent(stored -> remember(password, stored));
        }
        return matches;
    }

    /** Passwords remembered. */
    synchronized int size() {
        return entries.size();
    }

    private boolean remembered(String password, String hash) {
        Optional<Entry> entry = entry(hash);
        return entry.isPresent()
                && entry.get().until().isAfter(clock.instant())
                && MessageDigest.isEqual(entry.get().mac(), mac(password, hash));
    }

    private synchronized Optional<Entry> entry(String hash) {
        return Optional.ofNullable(entries.get(hash));
    }

    private void remember(String password, String hash) {
        Entry entry = new Entry(mac(password, hash), clock.instant().plus(LIFETIME));
        synchronized (this) {
            // Last in the order, which is that of their ends.
            entries.remove(hash);
            entries.put(hash, entry);
            Iterator<Entry> oldest = entries.values().iterator();
            while (entries.size() > MAX_ENTRIES) {
                oldest.next();
                oldest.remove();
            }
        }
    }

    private byte[] mac(String password, String hash) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            mac.update(hash.getBytes(StandardCharsets.UTF_8));
            mac.update((byte) 0);
            return mac.doFinal(password.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + ALGORITHM, e);
        }
    }
}
