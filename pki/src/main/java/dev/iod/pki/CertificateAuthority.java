package dev.iod.pki;

import static dev.iod.runtime.SetupException.Category.IDENTITY;

import dev.iod.runtime.Keys;
import dev.iod.runtime.Pem;
import dev.iod.runtime.SetupException;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

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
    private static final SecureRandom RANDOM = new SecureRandom();

    private final X509Certificate certificate;
    private final PrivateKey key;
    private final Clock clock;

    private CertificateAuthority(X509Certificate certificate, PrivateKey key, Clock clock) {
        this.certificate = certificate;
        this.key = key;
        this.clock = clock;
    }

    /** A new authority in memory. */
    public static CertificateAuthority create(String name, Clock clock) {
        KeyPair pair = Keys.generate();
        X500Name subject = SigningRequest.subject(name);
        try {
            X509v3CertificateBuilder builder =
                    builder(subject, subject, pair.getPublic(), AUTHORITY_LIFETIME, clock.instant())
                            // It may not make others: path length 0.
                            .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
                            .addExtension(
                                    Extension.keyUsage,
                                    true,
                                    new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
            return new CertificateAuthority(
                    sign(builder, pair.getPrivate()), pair.getPrivate(), clock);
        } catch (IOException e) {
            throw new SetupException(IDENTITY, "cannot make a certificate", e);
        }
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
        if (!Keys.belongTogether(certificate.getPublicKey(), key)) {
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
        List<GeneralName> alternatives = new ArrayList<>();
        for (String dns : dnsNames) {
            alternatives.add(new GeneralName(GeneralName.dNSName, dns));
        }
        for (InetAddress address : addresses) {
            alternatives.add(
                    new GeneralName(
                            GeneralName.iPAddress, new DEROctetString(address.getAddress())));
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
        return leaf(request.key(), node, List.of(new GeneralName(GeneralName.dNSName, node)));
    }

    private X509Certificate leaf(
            PublicKey subjectKey, String name, List<GeneralName> alternatives) {
        X500Name issuer = X500Name.getInstance(certificate.getSubjectX500Principal().getEncoded());
        KeyPurposeId[] purposes = {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth};
        try {
            X509v3CertificateBuilder builder =
                    builder(
                                    issuer,
                                    SigningRequest.subject(name),
                                    subjectKey,
                                    LEAF_LIFETIME,
                                    clock.instant())
                            .addExtension(
                                    Extension.basicConstraints, true, new BasicConstraints(false))
                            .addExtension(
                                    Extension.keyUsage,
                                    true,
                                    new KeyUsage(KeyUsage.digitalSignature))
                            .addExtension(
                                    Extension.extendedKeyUsage,
                                    false,
                                    new ExtendedKeyUsage(purposes))
                            .addExtension(
                                    Extension.authorityKeyIdentifier,
                                    false,
                                    utilities()
                                            .createAuthorityKeyIdentifier(
                                                    certificate.getPublicKey()));
            if (!alternatives.isEmpty()) {
                builder.addExtension(
                        Extension.subjectAlternativeName,
                        false,
                        new GeneralNames(alternatives.toArray(GeneralName[]::new)));
            }
            return sign(builder, key);
        } catch (IOException e) {
            throw new SetupException(IDENTITY, "cannot make a certificate", e);
        }
    }

    private static X509v3CertificateBuilder builder(
            X500Name issuer, X500Name subject, PublicKey key, Duration lifetime, Instant now)
            throws IOException {
        // 159 random bits: positive, and at most 20 bytes (RFC 5280 §4.1.2.2).
        BigInteger serial = new BigInteger(159, RANDOM).setBit(0);
        return new JcaX509v3CertificateBuilder(
                        issuer,
                        serial,
                        Date.from(now.minus(CLOCK_TOLERANCE)),
                        Date.from(now.plus(lifetime)),
                        subject,
                        key)
                .addExtension(
                        Extension.subjectKeyIdentifier,
                        false,
                        utilities().createSubjectKeyIdentifier(key));
    }

    private static X509Certificate sign(X509v3CertificateBuilder builder, PrivateKey key)
            throws IOException {
        try {
            return Pem.certificate(
                    builder.build(new JcaContentSignerBuilder(SigningRequest.ALGORITHM).build(key))
                            .getEncoded());
        } catch (OperatorCreationException e) {
            throw new SetupException(IDENTITY, "cannot sign a certificate", e);
        }
    }

    private static JcaX509ExtensionUtils utilities() {
        try {
            return new JcaX509ExtensionUtils();
        } catch (NoSuchAlgorithmException e) {
            throw new SetupException(IDENTITY, "no SHA-1, which names keys", e);
        }
    }
}
