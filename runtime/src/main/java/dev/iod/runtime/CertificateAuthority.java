package dev.iod.runtime;

import static dev.iod.runtime.SetupException.Category.IDENTITY;

import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * A region's certificate authority: issues X.509 version 3 certificates (RFC 5280) for EC keys. It
 * keeps nothing but its key; who may have which name is its caller's decision.
 */
public final class CertificateAuthority {
    /** How long the authority's own certificate holds. */
    public static final Duration AUTHORITY_LIFETIME = Duration.ofDays(3650);

    /** How long an issued certificate holds. */
    public static final Duration LEAF_LIFETIME = Duration.ofDays(825);

    private static final Duration CLOCK_TOLERANCE = Duration.ofHours(1);
    private static final byte[] DIGITAL_SIGNATURE = {0x03, 0x02, 0x07, (byte) 0x80};
    private static final byte[] CERTIFICATE_AND_LIST_SIGNING = {0x03, 0x02, 0x01, 0x06};

    private final X509Certificate certificate;
    private final PrivateKey key;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();

    private CertificateAuthority(X509Certificate certificate, PrivateKey key, Clock clock) {
        this.certificate = certificate;
        this.key = key;
        this.clock = clock;
    }

    /** A new authority in memory. */
    public static CertificateAuthority create(String name, Clock clock) {
        KeyPair pair = Keys.generate();
        byte[] keyId = keyId(pair.getPublic());
        List<byte[]> extensions =
                List.of(
                        // basicConstraints: an authority that may not make others (path length 0).
                        extension("2.5.29.19", true, Der.sequence(Der.bool(true), Der.integer(0))),
                        extension("2.5.29.15", true, CERTIFICATE_AND_LIST_SIGNING),
                        extension("2.5.29.14", false, Der.octets(keyId)));
        X509Certificate own =
                issue(
                        new Content(
                                SigningRequest.subject(name),
                                SigningRequest.subject(name),
                                pair.getPublic(),
                                AUTHORITY_LIFETIME,
                                extensions),
                        pair.getPrivate(),
                        clock.instant(),
                        new SecureRandom());
        return new CertificateAuthority(own, pair.getPrivate(), clock);
    }

    /**
     * The authority kept in two files; makes and writes it when neither exists.
     *
     * @throws SetupException (IDENTITY) when only one exists or they do not belong together
     */
    public static CertificateAuthority loadOrCreate(
            Path certificateFile, Path keyFile, String name, Clock clock) {
        if (!Files.exists(certificateFile)) {
            // The certificate is written last: a key alone is left by a crash and worth nothing.
            CertificateAuthority made = create(name, clock);
            Pem.write(keyFile, made.key);
            Pem.write(certificateFile, List.of(made.certificate));
            return made;
        }
        X509Certificate certificate = Pem.certificates(certificateFile).getFirst();
        PrivateKey key = Pem.privateKey(keyFile);
        byte[] probe = {1, 2, 3};
        if (!Keys.verify(certificate.getPublicKey(), probe, Keys.sign(key, probe))) {
            throw new SetupException(IDENTITY, keyFile + " is not the key of " + certificateFile);
        }
        return new CertificateAuthority(certificate, key, clock);
    }

    public X509Certificate certificate() {
        return certificate;
    }

    /** For a server (and client) that is reached under these names and addresses. */
    public X509Certificate issueServer(
            PublicKey subjectKey, String name, List<String> dnsNames, List<InetAddress> addresses) {
        List<byte[]> alternatives = new ArrayList<>();
        for (String dns : dnsNames) {
            alternatives.add(Der.contextPrimitive(2, dns.getBytes(StandardCharsets.US_ASCII)));
        }
        for (InetAddress address : addresses) {
            alternatives.add(Der.contextPrimitive(7, address.getAddress()));
        }
        return leaf(subjectKey, name, alternatives);
    }

    /** For a node: its name is both common name (what OVN's RBAC reads) and DNS name. */
    public X509Certificate issueNode(SigningRequest request, String node) {
        if (!request.name().equals(node)) {
            throw new SetupException(
                    IDENTITY,
                    "the signing request is for " + request.name() + ", the token for " + node);
        }
        byte[] dns = Der.contextPrimitive(2, node.getBytes(StandardCharsets.US_ASCII));
        return leaf(request.key(), node, List.of(dns));
    }

    private X509Certificate leaf(PublicKey subjectKey, String name, List<byte[]> alternatives) {
        byte[] purposes = Der.sequence(Der.oid("1.3.6.1.5.5.7.3.1"), Der.oid("1.3.6.1.5.5.7.3.2"));
        List<byte[]> extensions = new ArrayList<>();
        extensions.add(extension("2.5.29.19", true, Der.sequence()));
        extensions.add(extension("2.5.29.15", true, DIGITAL_SIGNATURE));
        extensions.add(extension("2.5.29.37", false, purposes));
        extensions.add(extension("2.5.29.14", false, Der.octets(keyId(subjectKey))));
        byte[] issuerKeyId = keyId(certificate.getPublicKey());
        extensions.add(
                extension("2.5.29.35", false, Der.sequence(Der.contextPrimitive(0, issuerKeyId))));
        if (!alternatives.isEmpty()) {
            byte[] names = Der.sequence(alternatives.toArray(byte[][]::new));
            extensions.add(extension("2.5.29.17", false, names));
        }
        return issue(
                new Content(
                        certificate.getSubjectX500Principal().getEncoded(),
                        SigningRequest.subject(name),
                        subjectKey,
                        LEAF_LIFETIME,
                        extensions),
                key,
                clock.instant(),
                random);
    }

    private record Content(
            byte[] issuer,
            byte[] subject,
            PublicKey key,
            Duration lifetime,
            List<byte[]> extensions) {}

    private static X509Certificate issue(
            Content content, PrivateKey signer, Instant now, SecureRandom random) {
        // 159 random bits: positive, and at most 20 bytes (RFC 5280 §4.1.2.2).
        BigInteger serial = new BigInteger(159, random).setBit(0);
        byte[] validity =
                Der.sequence(
                        Der.time(now.minus(CLOCK_TOLERANCE)), Der.time(now.plus(content.lifetime)));
        byte[] body =
                Der.sequence(
                        Der.context(0, Der.integer(2)),
                        Der.integer(serial),
                        Keys.algorithm(),
                        content.issuer,
                        validity,
                        content.subject,
                        content.key.getEncoded(),
                        Der.context(3, Der.sequence(content.extensions.toArray(byte[][]::new))));
        byte[] signature = Keys.sign(signer, body);
        return Pem.certificate(Der.sequence(body, Keys.algorithm(), Der.bits(signature)));
    }

    private static byte[] extension(String oid, boolean critical, byte[] value) {
        return critical
                ? Der.sequence(Der.oid(oid), Der.bool(true), Der.octets(value))
                : Der.sequence(Der.oid(oid), Der.octets(value));
    }

    /** SHA-1 of the public key's bits (RFC 5280 §4.2.1.2 (1)); a name, not a protection. */
    private static byte[] keyId(PublicKey key) {
        DerReader info = new DerReader(key.getEncoded()).enter(Der.SEQUENCE);
        info.enter(Der.SEQUENCE);
        byte[] bits = info.enter(Der.BIT_STRING).rest();
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-1");
            digest.update(bits, 1, bits.length - 1);
            return digest.digest();
        } catch (GeneralSecurityException e) {
            throw new SetupException(IDENTITY, "no SHA-1", e);
        }
    }
}
