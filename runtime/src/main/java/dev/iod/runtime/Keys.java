package dev.iod.runtime;

import static dev.iod.runtime.SetupException.Category.IDENTITY;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;

/** EC P-256 keys, the only kind IoD makes, and ECDSA with SHA-256 over them (RFC 5758 §3.2). */
public final class Keys {
    static final String ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";

    private Keys() {}

    /** A new key pair from the platform's secure random source. */
    public static KeyPair generate() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new SetupException(IDENTITY, "cannot make a P-256 key", e);
        }
    }

    static byte[] algorithm() {
        return Der.sequence(Der.oid(ECDSA_WITH_SHA256));
    }

    static byte[] sign(PrivateKey key, byte[] content) {
        try {
            Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initSign(key);
            signature.update(content);
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new SetupException(IDENTITY, "cannot sign", e);
        }
    }

    static boolean verify(PublicKey key, byte[] content, byte[] signed) {
        try {
            Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initVerify(key);
            signature.update(content);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            throw new SetupException(IDENTITY, "cannot check a signature: " + e.getMessage(), e);
        }
    }

    /** From PKCS#8. */
    static PrivateKey privateKey(byte[] encoded) {
        try {
            return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(encoded));
        } catch (GeneralSecurityException e) {
            throw new SetupException(IDENTITY, "not an EC private key: " + e.getMessage(), e);
        }
    }

    /** From SubjectPublicKeyInfo. */
    static PublicKey publicKey(byte[] encoded) {
        try {
            return KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(encoded));
        } catch (GeneralSecurityException e) {
            throw new SetupException(IDENTITY, "not an EC public key: " + e.getMessage(), e);
        }
    }
}
