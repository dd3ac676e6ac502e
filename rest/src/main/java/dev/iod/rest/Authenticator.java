package dev.iod.rest;

import java.util.Optional;

/** Turns a token into a caller. */
@FunctionalInterface
public interface Authenticator {
    /** The caller, or empty when the token is malformed, expired, revoked or forged. */
    Optional<Caller> authenticate(String token);
}
