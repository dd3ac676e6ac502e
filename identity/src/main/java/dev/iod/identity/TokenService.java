package dev.iod.identity;

import dev.iod.rest.Authenticator;
import dev.iod.rest.Caller;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import dev.iod.store.Notifications;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/**
 * Issues, checks and revokes tokens. Thread-safe. A check is one HMAC and two map look-ups when the
 * user was seen within five seconds, else one query more.
 */
public final class TokenService implements Authenticator, AutoCloseable {
    /** How long a token holds, as Keystone's default. */
    public static final Duration LIFETIME = Duration.ofHours(1);

    /** Users and projects remembered at once. */
    public static final int MAX_CACHED = 10_000;

    /** Revoked tokens kept; beyond it revoking one token revokes all of its user's. */
    static final int MAX_REVOKED = 10_000;

    /** Channel: {@code ID} for a revoked token's audit id, anything else for "look again". */
    static final String CHANNEL = "identity";

    private static final Duration CACHE_TIME = Duration.ofSeconds(5);
    private static final int SECRET_BYTES = 32;

    private final Database database;
    private final Clock clock;
    private final Map<Key, Principal> cache = new ConcurrentHashMap<>();
    private final VerifiedPasswords passwords;
    private final Set<String> revoked = ConcurrentHashMap.newKeySet();
    private final AtomicLong generation = new AtomicLong();
    private volatile byte[] secret = {};
    private volatile Optional<Notifications.Subscription> subscription = Optional.empty();

    private record Key(String userId, Optional<String> project) {}

    /** What the database says of a user on a project. */
    private record Principal(
            boolean valid, Instant tokensValidFrom, Set<String> roles, Instant loadedAt) {}

    /** Its tables need not be there before {@link #start}. */
    public TokenService(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
        this.passwords = new VerifiedPasswords(clock);
    }

    /** Loads the signing key (makes it at the first start) and the revoked tokens. */
    void start() {
        secret = database.transaction(TokenService::loadSecret);
        reload();
        subscription = Optional.of(database.notifications().subscribe(CHANNEL, this::changed));
    }

    /** Tells all processes, at commit, that users, projects or roles have changed. */
    static void announce(Handle handle) {
        Database.notify(handle, CHANNEL, "");
    }

    /** Ends all tokens of the user or for the project whose row this is, but those issued later. */
    void endAll(Columns columns) {
        // In the granularity of tokens.
        columns.set("tokens_valid_from", Instant.ofEpochMilli(clock.millis()));
    }

    /** Enables or disables a user or a project. As in Keystone, tokens of before stay void. */
    void enable(Columns columns, boolean enabled) {
        columns.set("enabled", enabled);
        if (!enabled) {
            endAll(columns);
        }
    }

    /**
     * A new token; whether the user may have it is the caller's business.
     *
     * @param from the token that is exchanged for it, if that is how the user came: the new one
     *     ends when that one does
     */
    Token issue(String userId, Optional<String> project, Optional<Token> from) {
        byte[] audit = new byte[16];
        new SecureRandom().nextBytes(audit);
        Instant now = Instant.ofEpochMilli(clock.millis());
        Set<Token.Method> methods = new HashSet<>();
        methods.add(from.isPresent() ? Token.Method.TOKEN : Token.Method.PASSWORD);
        from.ifPresent(token -> methods.addAll(token.methods()));
        return new Token(
                userId,
                project,
                now,
                from.map(Token::expiresAt).orElse(now.plus(LIFETIME)),
                java.util.HexFormat.of().formatHex(audit),
                methods);
    }

    /** Whether the password is the account's. */
    boolean verify(String password, Optional<Account> account) {
        return passwords.verify(password, account.flatMap(Account::passwordHash));
    }

    String sign(Token token) {
        return token.sign(secret);
    }

    /** The token of a text if it still holds, whatever for. */
    Optional<Token> token(String text) {
        return Token.verify(text, secret, clock.instant())
                .filter(token -> !revoked.contains(token.auditId()))
                .filter(token -> principal(token).filter(p -> holds(token, p)).isPresent());
    }

    @Override
    public Optional<Caller> authenticate(String text) {
        return Token.verify(text, secret, clock.instant())
                .filter(token -> !revoked.contains(token.auditId()))
                .flatMap(
                        token ->
                                principal(token)
                                        .filter(principal -> holds(token, principal))
                                        .map(
                                                principal ->
                                                        new Caller(
                                                                token.userId(),
                                                                token.project(),
                                                                principal.roles())));
    }

    /** Makes a token void before it expires. */
    void revoke(Token token) {
        database.run(
                handle -> {
                    handle.execute("DELETE FROM revoked_token WHERE expires_at < now()");
                    int count =
                            handle.createQuery("SELECT count(*) FROM revoked_token")
                                    .mapTo(Integer.class)
                                    .one();
                    if (count >= MAX_REVOKED) {
                        handle.execute(
                                "UPDATE account SET tokens_valid_from = ? WHERE id = ?",
                                clock.instant().atOffset(ZoneOffset.UTC),
                                token.userId());
                        announce(handle);
                    } else {
                        handle.execute(
                                "INSERT INTO revoked_token (audit_id, expires_at) VALUES (?, ?)"
                                        + " ON CONFLICT DO NOTHING",
                                token.auditId(),
                                token.expiresAt().atOffset(ZoneOffset.UTC));
                        Database.notify(handle, CHANNEL, token.auditId());
                    }
                });
        changed(token.auditId());
        forget();
    }

    /** Empties the cache; for this process's own changes, which need not wait for the channel. */
    void forget() {
        generation.incrementAndGet();
        cache.clear();
    }

    @Override
    public void close() {
        subscription.ifPresent(Notifications.Subscription::close);
    }

    private void changed(String payload) {
        if (payload.isEmpty()) {
            forget();
            Thread.ofVirtual().name("identity-reload").start(this::reload);
        } else {
            revoked.add(payload);
        }
    }

    private void reload() {
        Set<String> current =
                database.read(
                        handle ->
                                new HashSet<>(
                                        handle.createQuery(
                                                        "SELECT audit_id FROM revoked_token"
                                                                + " WHERE expires_at > now()")
                                                .mapTo(String.class)
                                                .list()));
        revoked.addAll(current);
        if (revoked.size() > 2 * MAX_REVOKED) {
            // What is not in the table any more has expired.
            revoked.retainAll(current);
        }
    }

    private static boolean holds(Token token, Principal principal) {
        return principal.valid() && !token.issuedAt().isBefore(principal.tokensValidFrom());
    }

    private Optional<Principal> principal(Token token) {
        Key key = new Key(token.userId(), token.project());
        Principal known = cache.get(key);
        Instant now = clock.instant();
        if (known != null && known.loadedAt().plus(CACHE_TIME).isAfter(now)) {
            return Optional.of(known);
        }
        long before = generation.get();
        Optional<Principal> loaded = database.read(handle -> load(handle, key, now));
        if (cache.size() >= MAX_CACHED) {
            cache.clear();
        }
        loaded.ifPresent(principal -> cache.put(key, principal));
        if (generation.get() != before) {
            // Something changed while this was read; it may be old already.
            cache.remove(key);
        }
        return loaded;
    }

    private static Optional<Principal> load(Handle handle, Key key, Instant now) {
        Optional<Account> account = Account.find(handle, key.userId());
        if (account.isEmpty()) {
            return Optional.empty();
        }
        boolean enabled = account.get().enabled();
        Instant from = account.get().tokensValidFrom();
        if (key.project().isEmpty()) {
            return Optional.of(new Principal(enabled, from, Set.of(), now));
        }
        Optional<Project> project =
                Project.find(handle, key.project().get()).filter(Project::enabled);
        if (project.isEmpty()) {
            return Optional.empty();
        }
        Instant projectFrom = project.get().tokensValidFrom();
        Set<String> roles = rolesOn(handle, key.userId(), project.get().id());
        return Optional.of(
                new Principal(
                        // A scoped token dies with the last role on its project.
                        enabled && !roles.isEmpty(),
                        from.isAfter(projectFrom) ? from : projectFrom,
                        roles,
                        now));
    }

    /** Names of the roles, implied ones included. */
    private static Set<String> rolesOn(Handle handle, String userId, String projectId) {
        Set<String> roles =
                Assignments.rolesOn(handle, userId, projectId).stream()
                        .map(Role::name)
                        .collect(Collectors.toCollection(HashSet::new));
        roles.addAll(Role.implied(roles));
        return Set.copyOf(roles);
    }

    private static byte[] loadSecret(Handle handle) {
        List<byte[]> found =
                handle.createQuery("SELECT secret FROM token_key WHERE id = 1")
                        .mapTo(byte[].class)
                        .list();
        if (!found.isEmpty()) {
            return found.getFirst();
        }
        byte[] made = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(made);
        handle.execute("INSERT INTO token_key (id, secret) VALUES (1, ?)", made);
        return made;
    }
}
