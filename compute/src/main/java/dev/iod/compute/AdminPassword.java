package dev.iod.compute;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.commons.codec.digest.Sha2Crypt;

/**
 * The password of a new server's administrator. Its text is for the answer to the request alone;
 * the hash is what the server keeps.
 *
 * @param hash in the form of crypt(3), SHA-512 ({@code $6$SALT$HASH}, 5,000 rounds); empty when the
 *     text is, which sets no password
 */
record AdminPassword(String text, Optional<String> hash) {
    /** Longest one taken, in bytes of UTF-8: programs that log users in end at 255 to 512. */
    static final int MAX_BYTES = 255;

    /** Of one that is made here, as Nova's: 12 characters have 69 bits. */
    static final int LENGTH = 12;

    private static final String SALT_ALPHABET =
            "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static final int SALT_LENGTH = 16;

    /** Nova's, without what looks alike; one of each is always there. */
    private static final List<String> SYMBOLS =
            List.of("23456789", "ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnopqrstuvwxyz");

    private static final SecureRandom RANDOM = new SecureRandom();

    /**
     * @param given by the user; empty: one is made
     */
    static AdminPassword of(Optional<String> given) {
        String text = given.orElseGet(AdminPassword::random);
        return new AdminPassword(
                text, text.isEmpty() ? Optional.empty() : Optional.of(crypt(text)));
    }

    static boolean isAccepted(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES;
    }

    private static String crypt(String text) {
        String salt = pick(SALT_ALPHABET, SALT_LENGTH);
        return Sha2Crypt.sha512Crypt(text.getBytes(StandardCharsets.UTF_8), "$6$" + salt);
    }

    private static String random() {
        List<String> characters = new ArrayList<>();
        SYMBOLS.forEach(group -> characters.add(pick(group, 1)));
        while (characters.size() < LENGTH) {
            characters.add(pick(String.join("", SYMBOLS), 1));
        }
        Collections.shuffle(characters, RANDOM);
        return String.join("", characters);
    }

    private static String pick(String alphabet, int length) {
        return RANDOM.ints(length, 0, alphabet.length())
                .mapToObj(i -> alphabet.substring(i, i + 1))
                .collect(Collectors.joining());
    }

    /** Without what it is, for logs. */
    @Override
    public String toString() {
        return "AdminPassword";
    }
}
