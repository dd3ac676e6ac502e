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

/** EC P-256 keys, the only kind IoD makes. */
public final class Keys {
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

    /** Whether what the private key signs holds by the public one. */
    public static boolean belongTogether(PublicKey publicKey, PrivateKey privateKey) {
        byte[] content = {1, 2, 3};
        try {
            Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initSign(privateKey);
            signature.update(content);
            byte[] signed = signature.sign();
            signature.initVerify(publicKey);
            signature.update(content);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            throw new SetupException(IDENTITY, "cannot use a key: " + e.getMessage(), e);
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

    /**
     * From SubjectPublicKeyInfo.
     *
     * @throws SetupException (IDENTITY) when it is no EC key
     */
    public static PublicKey publicKey(byte[] encoded) {
        try {
            return KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(encoded));
        } catch (GeneralSecurityException e) {
            throw new SetupException(IDENTITY, "not an EC public key: " + e.getMessage(), e);
        }
    }
}
