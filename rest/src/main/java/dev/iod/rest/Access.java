package dev.iod.rest;

/** Who may use a route; checked before the handler runs. */
public enum Access {
    /** Anybody, without a token. */
    PUBLIC,
    /** Anybody with a valid token, scoped or not. */
    TOKEN,
    /** A token scoped to a project. */
    PROJECT,
    /** A token with the role {@code admin}. */
    ADMIN
}
