package dev.iod.rest.testing;

import dev.iod.rest.Authenticator;
import dev.iod.rest.Caller;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Callers for tests of one service: the token {@code PROJECT} is a member of that project, {@code
 * PROJECT:ROLE} has that role on it and those it implies (admin ⊃ member ⊃ reader), {@code bad} is
 * nobody.
 */
public final class FixedTokens implements Authenticator {
    private static final List<String> ROLES = List.of("reader", "member", "admin");

    @Override
    public Optional<Caller> authenticate(String token) {
        if (token.equals("bad")) {
            return Optional.empty();
        }
        String[] parts = token.split(":", 2);
        String role = parts.length == 2 ? parts[1] : "member";
        int rank = ROLES.indexOf(role);
        Set<String> roles = rank < 0 ? Set.of(role) : Set.copyOf(ROLES.subList(0, rank + 1));
        return Optional.of(new Caller("user-" + parts[0], Optional.of(parts[0]), roles));
    }
}
