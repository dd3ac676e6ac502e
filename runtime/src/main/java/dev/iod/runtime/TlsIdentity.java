package dev.iod.runtime;

import static dev.iod.runtime.SetupException.Category.IDENTITY;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509KeyManager;
import javax.net.ssl.X509TrustManager;

/**
 * Who a process is in the region: its key, its certificate chain (own certificate first) and the
 * authorities it trusts, which are the region's and never the machine's.
 */
public record TlsIdentity(
        PrivateKey key, List<X509Certificate> chain, List<X509Certificate> authorities) {
    private static final char[] IN_MEMORY = new char[0];

    public TlsIdentity {
        chain = List.copyOf(chain);
        authorities = List.copyOf(authorities);
        if (chain.isEmpty() || authorities.isEmpty()) {
            throw new SetupException(IDENTITY, "an identity needs a certificate and an authority");
        }
    }

    /** Reads PEM files. */
    public static TlsIdentity load(Path key, Path certificate, Path authorities) {
        return new TlsIdentity(
                Pem.privateKey(key), Pem.certificates(certificate), Pem.certificates(authorities));
    }

    /** TLS 1.2 and 1.3 with this identity on either side. */
    public SSLContext sslContext() {
        return context(new KeyManager[] {keyManager()}, authorities);
    }

    public X509KeyManager keyManager() {
        try {
            KeyStore store = emptyStore();
            store.setKeyEntry("own", key, IN_MEMORY, chain.toArray(Certificate[]::new));
            KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
            factory.init(store, IN_MEMORY);
            return (X509KeyManager) factory.getKeyManagers()[0];
        } catch (GeneralSecurityException e) {
            throw new SetupException(IDENTITY, "cannot use the key: " + e.getMessage(), e);
        }
    }

    /** Accepts chains that end in one of these certificates. */
    public static X509TrustManager trustManager(List<X509Certificate> authorities) {
        try {
            KeyStore store = emptyStore();
            for (int i = 0; i < authorities.size(); i++) {
                store.setCertificateEntry("authority-" + i, authorities.get(i));
            }
            TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
            factory.init(store);
            return (X509TrustManager) factory.getTrustManagers()[0];
        } catch (GeneralSecurityException e) {
            throw new SetupException(IDENTITY, "cannot use authorities: " + e.getMessage(), e);
        }
    }

    private static SSLContext context(KeyManager[] keys, List<X509Certificate> authorities) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys, new TrustManager[] {trustManager(authorities)}, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new SetupException(IDENTITY, "cannot set TLS up: " + e.getMessage(), e);
        }
    }

    private static KeyStore emptyStore() throws GeneralSecurityException {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, IN_MEMORY);
            return store;
        } catch (IOException e) {
            throw new SetupException(IDENTITY, "cannot make a key store", e);
        }
    }
}
