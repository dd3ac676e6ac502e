package dev.iod.identity;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What a token says. Its text is {@code iod2.} and base64url of the fields below and their
 * HMAC-SHA-256 (RFC 2104), so it is checked without asking anybody.
 *
 * @param userId 32 hex digits
 * @param project 32 hex digits, or empty for an unscoped token
 * @param auditId 16 random bytes in hex; names the token without being it
 * @param methods how its holder proved to be the user, at first and since
 */
record Token(
        String userId,
        Optional<String> project,
        Instant issuedAt,
        Instant expiresAt,
        String auditId,
        Set<Method> methods) {
    private static final String PREFIX = "iod2.";
    private static final int ID_BYTES = 16;
    private static final int BODY_BYTES = 3 * ID_BYTES + 2 * Long.BYTES + 1;
    private static final int MAC_BYTES = 32;
    private static final byte[] NO_PROJECT = new byte[ID_BYTES];

    /** A way to prove who one is; the code is part of every token's text. */
    enum Method {
        PASSWORD(1),
        TOKEN(2);

        private final int code;

        Method(int code) {
            this.code = code;
        }

        /** As clients name it. */
        String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Copies the methods. */
    Token {
        methods = Set.copyOf(methods);
    }

    String sign(byte[] secret) {
        HexFormat hex = HexFormat.of();
        byte[] body =
                ByteBuffer.allocate(BODY_BYTES)
                        .put(hex.parseHex(userId))
                        .put(project.map(hex::parseHex).orElse(NO_PROJECT))
                        .put(hex.parseHex(auditId))
                        .putLong(issuedAt.toEpochMilli())
                        .putLong(expiresAt.toEpochMilli())
                        .put((byte) methods.stream().mapToInt(method -> method.code).sum())
                        .array();
        byte[] all =
                ByteBuffer.allocate(BODY_BYTES + MAC_BYTES)
                        .put(body)
                        .put(mac(secret, body))
                        .array();
        return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(all);
    }

    /** The token of a text, or empty when it is malformed, forged or expired. */
    static Optional<Token> verify(String text, byte[] secret, Instant now) {
        if (!text.startsWith(PREFIX)) {
            return Optional.empty();
        }
        byte[] all;
        try {
            all = Base64.getUrlDecoder().decode(text.substring(PREFIX.length()));
        } catch (IllegalArgumentException e) {
            // Not base64: no token of ours, and the caller is told so with 401.
            return Optional.empty();
        }
        if (all.length != BODY_BYTES + MAC_BYTES) {
            return Optional.empty();
        }
        byte[] body = Arrays.copyOf(all, BODY_BYTES);
        byte[] claimed = Arrays.copyOfRange(all, BODY_BYTES, all.length);
        if (!MessageDigest.isEqual(mac(secret, body), claimed)) {
            return Optional.empty();
        }
        Token token = decode(ByteBuffer.wrap(body));
        return token.expiresAt.isAfter(now) ? Optional.of(token) : Optional.empty();
    }

    private static Token decode(ByteBuffer body) {
        HexFormat hex = HexFormat.of();
        byte[] user = new byte[ID_BYTES];
        byte[] project = new byte[ID_BYTES];
        byte[] audit = new byte[ID_BYTES];
        body.get(user).get(project).get(audit);
        Instant issuedAt = Instant.ofEpochMilli(body.getLong());
        Instant expiresAt = Instant.ofEpochMilli(body.getLong());
        int methods = body.get();
        return new Token(
                hex.formatHex(user),
                Arrays.equals(project, NO_PROJECT)
                        ? Optional.empty()
                        : Optional.of(hex.formatHex(project)),
                issuedAt,
                expiresAt,
                hex.formatHex(audit),
                Stream.of(Method.values())
                        .filter(method -> (methods & method.code) != 0)
                        .collect(Collectors.toSet()));
    }

    private static byte[] mac(byte[] secret, byte[] body) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret, "HmacSHA256"));
            return mac.doFinal(body);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }
}
