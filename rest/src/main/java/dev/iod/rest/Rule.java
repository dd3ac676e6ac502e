package dev.iod.rest;

/** Who may use a route; checked before the handler runs. */
public enum Rule {
    /** Anybody, without a token. */
    PUBLIC("anybody"),
    /** Anybody with a valid token, scoped or not; the handler may ask for more. */
    TOKEN("a valid token"),
    /** A token scoped to a project, with the role {@code reader} on it. */
    READER("reader"),
    /** A token scoped to a project, with the role {@code member} on it. */
    MEMBER("member"),
    /** A token with the role {@code admin}. */
    ADMIN("admin");

    private final String text;

    Rule(String text) {
        this.text = text;
    }

    /** For documentation and refusals: the role, where one is needed. */
    public String text() {
        return text;
    }

    /** Whether it asks for a project; a caller without one is told so. */
    boolean needsProject() {
        return switch (this) {
            case READER, MEMBER -> true;
            case PUBLIC, TOKEN, ADMIN -> false;
        };
    }

    /** Whether a caller passes. Roles that others imply are the authenticator's business. */
    boolean allows(Caller caller) {
        return switch (this) {
            case PUBLIC, TOKEN -> true;
            case READER -> caller.project().isPresent() && caller.roles().contains("reader");
            case MEMBER -> caller.project().isPresent() && caller.roles().contains("member");
            case ADMIN -> caller.isAdmin();
        };
    }
}
