package dev.iod.pki;

import static dev.iod.runtime.SetupException.Category.IDENTITY;

import dev.iod.runtime.Keys;
import dev.iod.runtime.SetupException;
import java.io.IOException;
import java.security.KeyPair;
import java.security.PublicKey;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1String;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCSException;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/**
 * A certificate signing request (PKCS#10, RFC 2986) with one common name and an EC key.
 *
 * @param name the subject's common name, 1 to 64 characters (RFC 5280 ub-common-name)
 * @param key the key to be certified; whoever sent the request has its private half
 */
public record SigningRequest(String name, PublicKey key) {
    /** How everything here is signed. */
    static final String ALGORITHM = "SHA256withECDSA";

    private static final int NAME_LIMIT = 64;
    private static final int REQUEST_LIMIT_BYTES = 16 * 1024;

    /** Asks for a certificate for this key; DER. */
    public static byte[] build(KeyPair pair, String name) {
        try {
            return new JcaPKCS10CertificationRequestBuilder(subject(name), pair.getPublic())
                    .build(new JcaContentSignerBuilder(ALGORITHM).build(pair.getPrivate()))
                    .getEncoded();
        } catch (OperatorCreationException | IOException e) {
            throw new SetupException(IDENTITY, "cannot make a signing request", e);
        }
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
        try {
            return checked(new PKCS10CertificationRequest(der));
        } catch (SetupException e) {
            throw e;
        } catch (IOException | PKCSException | OperatorCreationException | RuntimeException e) {
            // The library says of malformed content what part of it stumbled, in many kinds.
            throw new SetupException(IDENTITY, "a malformed signing request", e);
        }
    }

    private static SigningRequest checked(PKCS10CertificationRequest request)
            throws IOException, PKCSException, OperatorCreationException {
        ASN1ObjectIdentifier algorithm = request.getSignatureAlgorithm().getAlgorithm();
        if (!algorithm.equals(X9ObjectIdentifiers.ecdsa_with_SHA256)) {
            throw new SetupException(
                    IDENTITY,
                    "a signing request must be signed with ECDSA and SHA-256, not " + algorithm);
        }
        PublicKey key = Keys.publicKey(request.getSubjectPublicKeyInfo().getEncoded());
        if (!request.isSignatureValid(new JcaContentVerifierProviderBuilder().build(key))) {
            throw new SetupException(IDENTITY, "the signing request's signature does not hold");
        }
        return new SigningRequest(commonName(request.getSubject()), key);
    }

    /** A Name (RFC 5280 §4.1.2.4) that is one common name. */
    static X500Name subject(String name) {
        if (name.isEmpty() || name.length() > NAME_LIMIT) {
            throw new SetupException(IDENTITY, "a common name has 1 to 64 characters: " + name);
        }
        return new X500NameBuilder(BCStyle.INSTANCE).addRDN(BCStyle.CN, name).build();
    }

    private static String commonName(X500Name subject) {
        RDN[] names = subject.getRDNs(BCStyle.CN);
        if (names.length == 1
                && !names[0].isMultiValued()
                && names[0].getFirst().getValue() instanceof ASN1String text
                && !text.getString().isEmpty()
                && text.getString().length() <= NAME_LIMIT) {
            return text.getString();
        }
        throw new SetupException(
                IDENTITY, "a signing request has one common name of 1 to 64 characters");
    }
}
