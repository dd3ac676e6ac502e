package dev.iod.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * AES-256-XTS (IEEE 1619) by OpenSSL's libcrypto 3, on raw addresses, with the processor's AES
 * instructions. The tweak is the number of the unit, little-endian, as dm-crypt's "plain64". One
 * thread; allocates nothing per unit.
 */
public final class AesXts implements AutoCloseable {
    /** Two AES-256 keys, which must differ. */
    public static final int KEY_BYTES = 64;

    private static final int AES_BLOCK_BYTES = 16;

    /** Loaded with the first key, so that a process without encryption needs no libcrypto. */
    private static final class Crypto {
        private static final Linker LINKER = Linker.nativeLinker();
        private static final SymbolLookup LIBRARY =
                SymbolLookup.libraryLookup("libcrypto.so.3", Arena.global());
        static final MethodHandle NEW = handle("EVP_CIPHER_CTX_new", JAVA_LONG);
        static final MethodHandle FREE =
                link("EVP_CIPHER_CTX_free", FunctionDescriptor.ofVoid(JAVA_LONG));
        static final MethodHandle AES_256_XTS = handle("EVP_aes_256_xts", JAVA_LONG);
        static final MethodHandle INIT =
                handle(
                        "EVP_CipherInit_ex",
                        JAVA_INT,
                        JAVA_LONG,
                        JAVA_LONG,
                        JAVA_LONG,
                        ADDRESS,
                        ADDRESS,
                        JAVA_INT);
        static final MethodHandle UPDATE =
                handle(
                        "EVP_CipherUpdate",
                        JAVA_INT,
                        JAVA_LONG,
                        JAVA_LONG,
                        ADDRESS,
                        JAVA_LONG,
                        JAVA_INT);

        static MethodHandle handle(String name, MemoryLayout result, MemoryLayout... arguments) {
            return link(name, FunctionDescriptor.of(result, arguments));
        }

        static MethodHandle link(String name, FunctionDescriptor descriptor) {
            MemorySegment symbol =
                    LIBRARY.find(name)
                            .orElseThrow(
                                    () -> new UnsatisfiedLinkError("libcrypto has no " + name));
            // SAFETY: the descriptors repeat the prototypes of evp.h (OpenSSL 3.0).
            return LINKER.downcallHandle(symbol, descriptor);
        }
    }

    private final Arena arena = Arena.ofShared();
    private final MemorySegment tweak = arena.allocate(AES_BLOCK_BYTES, 16);
    private final MemorySegment length = arena.allocate(JAVA_INT);
    private final long encryption;
    private final long decryption;

    /**
     * @param key {@link #KEY_BYTES} bytes, whose halves differ; copied
     */
    public AesXts(byte[] key) {
        if (key.length != KEY_BYTES) {
            throw new IllegalArgumentException(
                    "an AES-256-XTS key has " + KEY_BYTES + " bytes, not " + key.length);
        }
        try (Arena call = Arena.ofConfined()) {
            MemorySegment copy = call.allocateFrom(JAVA_BYTE, key);
            encryption = context(copy, 1);
            decryption = context(copy, 0);
            copy.fill((byte) 0);
        }
    }

    private static long context(MemorySegment key, int encrypt) {
        try {
            // SAFETY: libcrypto owns the context until free; key and tweak are copied by it.
            long context = (long) Crypto.NEW.invokeExact();
            long cipher = (long) Crypto.AES_256_XTS.invokeExact();
            int ok =
                    (int)
                            Crypto.INIT.invokeExact(
                                    context, cipher, 0L, key, MemorySegment.NULL, encrypt);
            if (context == 0 || ok != 1) {
                throw new IllegalArgumentException(
                        "libcrypto refuses the key; its two halves must differ");
            }
            return context;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError("foreign call", t);
        }
    }

    /**
     * Encrypts one unit; both areas may be the same, but not overlap otherwise.
     *
     * @param lengthBytes 16 or more; 4096 for a volume's unit
     */
    public void encrypt(long unit, long from, long to, int lengthBytes) {
        run(encryption, unit, from, to, lengthBytes);
    }

    /** Undoes {@link #encrypt}. */
    public void decrypt(long unit, long from, long to, int lengthBytes) {
        run(decryption, unit, from, to, lengthBytes);
    }

    private void run(long context, long unit, long from, long to, int lengthBytes) {
        CheckedMemory.checkIf(Memory.CHECKED, from, lengthBytes);
        CheckedMemory.checkIf(Memory.CHECKED, to, lengthBytes);
        tweak.set(JAVA_LONG, 0, unit);
        int ok;
        try {
            // SAFETY: the caller owns lengthBytes at both addresses; XTS writes exactly as many.
            ok = (int) Crypto.INIT.invokeExact(context, 0L, 0L, MemorySegment.NULL, tweak, -1);
            ok &= (int) Crypto.UPDATE.invokeExact(context, to, length, from, lengthBytes);
        } catch (Throwable t) {
            throw t instanceof Error e ? e : new AssertionError("foreign call", t);
        }
        if (ok != 1 || length.get(JAVA_INT, 0) != lengthBytes) {
            throw new SysException("AES-XTS of " + lengthBytes + " bytes failed", 0);
        }
    }

    /** Forgets the keys. */
    @Override
    public void close() {
        try {
            // SAFETY: made by EVP_CIPHER_CTX_new, used by nobody any more.
            Crypto.FREE.invokeExact(encryption);
            Crypto.FREE.invokeExact(decryption);
        } catch (Throwable t) {
            throw t instanceof Error e ? e : new AssertionError("foreign call", t);
        }
        arena.close();
    }
}
