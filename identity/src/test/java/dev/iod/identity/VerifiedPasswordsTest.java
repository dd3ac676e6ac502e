package dev.iod.identity;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class VerifiedPasswordsTest {
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");

    @Test
    void aRightPasswordIsHashedOnceInFiveMinutes() {
        VerifiedPasswords passwords = new VerifiedPasswords(simulated());
        Optional<String> hash = Optional.of(Passwords.hash("secret"));
        long before = Passwords.hashes();
        for (int i = 0; i < 100; i++) {
            assertThat(passwords.verify("secret", hash)).isTrue();
        }
        assertThat(Passwords.hashes() - before).isEqualTo(1);
        now = now.plus(VerifiedPasswords.LIFETIME);
        assertThat(passwords.verify("secret", hash)).isTrue();
        assertThat(Passwords.hashes() - before).isEqualTo(2);
    }

    @Test
    void aWrongPasswordCostsTheFullHashWhateverIsRemembered() {
        VerifiedPasswords passwords = new VerifiedPasswords(simulated());
        Optional<String> hash = Optional.of(Passwords.hash("secret"));
        assertThat(passwords.verify("secret", hash)).isTrue();
        long before = Passwords.hashes();
        for (int i = 0; i < 3; i++) {
            assertThat(passwords.verify("guess", hash)).isFalse();
            assertThat(passwords.verify("secret", Optional.empty())).isFalse();
        }
        assertThat(Passwords.hashes() - before).isEqualTo(6);
        assertThat(passwords.size()).isEqualTo(1);
    }

    @Test
    void aChangedPasswordIsNotRemembered() {
        VerifiedPasswords passwords = new VerifiedPasswords(simulated());
        assertThat(passwords.verify("old", Optional.of(Passwords.hash("old")))).isTrue();
        Optional<String> changed = Optional.of(Passwords.hash("new"));
        assertThat(passwords.verify("old", changed)).isFalse();
        assertThat(passwords.verify("new", changed)).isTrue();
    }

    private Clock simulated() {
        return new Clock() {
            @Override
            public java.time.ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(java.time.ZoneId zone) {
                return this;
            }

            @Override
            public Instant instant() {
                return now;
            }
        };
    }
}
