package dev.iod.rest.testing;

import dev.iod.rest.Authenticator;
import dev.iod.rest.Caller;
import java.util.Optional;
import java.util.Set;

/**
 * Callers for tests of one service: the token {@code PROJECT} is a member of that project, {@code
 * PROJECT:admin} an administrator scoped to it, {@code bad} nobody.
 */
public final class FixedTokens implements Authenticator {
    @Override
    public Optional<Caller> authenticate(String token) {
        if (token.equals("bad")) {
            return Optional.empty();
        }
        String[] parts = token.split(":", 2);
        Set<String> roles = parts.length == 2 ? Set.of(parts[1], "member") : Set.of("member");
        return Optional.of(new Caller("user-" + parts[0], Optional.of(parts[0]), roles));
    }
}
