package dev.iod.runtime;

import static dev.iod.runtime.SetupException.Category.IDENTITY;

import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.PublicKey;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;

/**
 * A certificate signing request (PKCS#10, RFC 2986) with one common name and an EC key.
 *
 * @param name the subject's common name, 1 to 64 characters (RFC 5280 ub-common-name)
 * @param key the key to be certified; whoever sent the request has its private half
 */
public record SigningRequest(String name, PublicKey key) {
    private static final byte[] COMMON_NAME = Der.oid("2.5.4.3");
    private static final int NAME_LIMIT = 64;
    private static final int REQUEST_LIMIT_BYTES = 16 * 1024;

    /** Asks for a certificate for this key; DER. */
    public static byte[] build(KeyPair pair, String name) {
        byte[] info =
                Der.sequence(
                        Der.integer(0),
                        subject(name),
                        pair.getPublic().getEncoded(),
                        Der.context(0));
        byte[] signature = Keys.sign(pair.getPrivate(), info);
        return Der.sequence(info, Keys.algorithm(), Der.bits(signature));
    }

    /**
     * Reads a request and checks that its sender holds the private key.
     *
     * @throws SetupException (IDENTITY) when it is malformed or its signature does not hold
     */
    public static SigningRequest parse(byte[] der) {
        if (der.length > REQUEST_LIMIT_BYTES) {
            throw new SetupException(IDENTITY, "a signing request of " + der.length + " bytes");
        }
        DerReader request = new DerReader(der).enter(Der.SEQUENCE);
        byte[] info = request.whole(Der.SEQUENCE);
        byte[] algorithm = request.whole(Der.SEQUENCE);
        if (!Arrays.equals(algorithm, Keys.algorithm())) {
            throw new SetupException(
                    IDENTITY,
                    "a signing request must be signed with ECDSA and SHA-256, not "
                            + HexFormat.of().formatHex(algorithm));
        }
        byte[] bits = request.enter(Der.BIT_STRING).rest();
        DerReader fields = new DerReader(info).enter(Der.SEQUENCE);
        fields.enter(Der.INTEGER);
        Optional<String> name = commonName(fields.enter(Der.SEQUENCE));
        PublicKey key = Keys.publicKey(fields.whole(Der.SEQUENCE));
        boolean signed =
                bits.length > 1
                        && bits[0] == 0
                        && Keys.verify(key, info, Arrays.copyOfRange(bits, 1, bits.length));
        if (!signed) {
            throw new SetupException(IDENTITY, "the signing request's signature does not hold");
        }
        return new SigningRequest(
                name.orElseThrow(
                        () ->
                                new SetupException(
                                        IDENTITY, "signing request without a common name")),
                key);
    }

    /** A Name (RFC 5280 §4.1.2.4) that is one common name. */
    static byte[] subject(String name) {
        if (name.isEmpty() || name.length() > NAME_LIMIT) {
            throw new SetupException(IDENTITY, "a common name has 1 to 64 characters: " + name);
        }
        return Der.sequence(Der.set(Der.sequence(COMMON_NAME, Der.text(name))));
    }

    private static Optional<String> commonName(DerReader name) {
        Optional<String> found = Optional.empty();
        while (!name.atEnd()) {
            DerReader attribute = name.enter(Der.SET).enter(Der.SEQUENCE);
            byte[] type = attribute.whole(Der.OBJECT_IDENTIFIER);
            byte[] text = attribute.enter(attribute.peek()).rest();
            if (Arrays.equals(type, COMMON_NAME)) {
                if (found.isPresent() || text.length == 0 || text.length > NAME_LIMIT) {
                    throw new SetupException(IDENTITY, "expected one common name of 1 to 64 bytes");
                }
                found = Optional.of(new String(text, StandardCharsets.UTF_8));
            }
        }
        return found;
    }
}
