package dev.iod.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class AesXtsTest {
    private static final HexFormat HEX = HexFormat.of();

    /** IEEE 1619-2007, annex B, vector 10. */
    private static final byte[] KEY =
            HEX.parseHex(
                    "2718281828459045235360287471352662497757247093699959574966967627"
                            + "3141592653589793238462643383279502884197169399375105820974944592");

    private static final String FIRST =
            "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b";

    @Test
    void agreesWithTheStandardAndUndoesItself() {
        byte[] plain = new byte[512];
        for (int i = 0; i < plain.length; i++) {
            plain[i] = (byte) i;
        }
        byte[] result = new byte[512];
        try (Mapping memory = Mapping.anonymous(8192);
                AesXts cipher = new AesXts(KEY)) {
            long from = memory.address();
            long to = from + 4096;
            Memory.copyFromArray(plain, 0, from, 512);
            cipher.encrypt(0xff, from, to, 512);
            Memory.copyToArray(to, result, 0, 512);
            assertThat(HEX.formatHex(result)).startsWith(FIRST);
            cipher.decrypt(0xff, to, to, 512);
            Memory.copyToArray(to, result, 0, 512);
            assertThat(result).isEqualTo(plain);
            cipher.decrypt(0xfe, to, to, 512);
            Memory.copyToArray(to, result, 0, 512);
            assertThat(result).as("another unit, another tweak").isNotEqualTo(plain);
        }
    }

    @Test
    void badKeysAreRefused() {
        assertThatThrownBy(() -> new AesXts(new byte[32]))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new AesXts(new byte[64]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("halves");
    }
}
