package dev.iod.identity;

import dev.iod.rest.ApiException;
import dev.iod.rest.Dialect;
import dev.iod.rest.Fault;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import dev.iod.store.Where;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v3/auth}: tokens and what one's own token may do. */
final class TokenApi {
    private final Database database;
    private final TokenService tokens;
    private final Catalog catalog;

    /** Who logs in and how. */
    private record Login(Account account, Optional<Token> token) {}

    /** The wish for a scope. */
    private record Scope(Kind kind, Optional<String> projectId, Optional<String> projectName) {
        enum Kind {
            DEFAULT,
            UNSCOPED,
            PROJECT,
            UNSUPPORTED
        }
    }

    TokenApi(Database database, TokenService tokens, Catalog catalog) {
        this.database = database;
        this.tokens = tokens;
        this.catalog = catalog;
    }

    List<Route> routes() {
        return List.of(
                Route.post("/v3/auth/tokens", this::create).may(Rule.PUBLIC),
                Route.get("/v3/auth/tokens", this::show).may(Rule.TOKEN),
                Route.delete("/v3/auth/tokens", this::revoke).may(Rule.TOKEN),
                Route.get("/v3/auth/catalog", this::catalog).may(Rule.TOKEN),
                Route.get("/v3/auth/projects", this::projects).may(Rule.TOKEN),
                Route.get("/v3/auth/domains", this::domains).may(Rule.TOKEN));
    }

    private Response create(Request request) {
        Fields auth = request.body("auth");
        Login login = login(auth.object("identity"));
        Scope scope = scope(auth.optionalNode("scope"));
        auth.end();
        Optional<String> project = database.read(handle -> project(handle, login.account(), scope));
        Token token = tokens.issue(login.account().id(), project, login.token());
        String text = tokens.sign(token);
        boolean withCatalog = !request.query().names().contains("nocatalog");
        return describe(request, 201, token, withCatalog).header("X-Subject-Token", text);
    }

    private Login login(Fields identity) {
        List<String> methods =
                identity.optionalStrings("methods", 8, Names.MAX_LENGTH)
                        .orElseThrow(
                                () -> ApiException.badRequest("'methods' is a required property"));
        if (methods.equals(List.of("password"))) {
            Fields password = identity.object("password");
            Fields user = password.object("user");
            password.end();
            // The schema lets other methods' sections stand beside the used one.
            return new Login(withPassword(user), Optional.empty());
        }
        if (methods.equals(List.of("token"))) {
            Fields section = identity.object("token");
            String text = section.string("id", 1, 4096);
            section.end();
            Token token = tokens.token(text).orElseThrow(TokenApi::unauthorized);
            return new Login(
                    database.read(handle -> Account.find(handle, token.userId()))
                            .filter(Account::enabled)
                            .orElseThrow(TokenApi::unauthorized),
                    Optional.of(token));
        }
        throw new ApiException(
                Fault.UNAUTHORIZED,
                "Attempted to authenticate with an unsupported method. Supported are password and"
                        + " token.");
    }

    private Account withPassword(Fields user) {
        Optional<String> id = user.optionalString("id", Names.MAX_LENGTH);
        Optional<String> name = user.optionalString("name", Names.MAX_LENGTH);
        boolean domainKnown = user.optionalObject("domain").map(Domain::isDefault).orElse(true);
        String password = user.string("password", 0, Passwords.MAX_LENGTH);
        user.end();
        if (id.isEmpty() && name.isEmpty()) {
            throw ApiException.badRequest("A user is named by 'id', or by 'name' and 'domain'.");
        }
        Optional<Account> account =
                !domainKnown
                        ? Optional.empty()
                        : database.read(
                                handle ->
                                        id.isPresent()
                                                ? Account.find(handle, id.get())
                                                : name.flatMap(n -> byName(handle, n)));
        boolean matches = tokens.verify(password, account);
        return account.filter(found -> matches && found.enabled())
                .orElseThrow(TokenApi::unauthorized);
    }

    private static Optional<Account> byName(Handle handle, String name) {
        return Account.TABLE.first(handle, Where.of("name = ?", name));
    }

    private static Scope scope(Optional<JsonNode> node) {
        if (node.isEmpty()) {
            return new Scope(Scope.Kind.DEFAULT, Optional.empty(), Optional.empty());
        }
        if (node.get().isString() && node.get().stringValue().equals("unscoped")) {
            return new Scope(Scope.Kind.UNSCOPED, Optional.empty(), Optional.empty());
        }
        Fields scope = Fields.of(node.get(), "scope", Dialect.PLAIN);
        if (scope.has("unscoped")) {
            return new Scope(Scope.Kind.UNSCOPED, Optional.empty(), Optional.empty());
        }
        if (!scope.has("project")) {
            return new Scope(Scope.Kind.UNSUPPORTED, Optional.empty(), Optional.empty());
        }
        Fields project = scope.object("project");
        scope.end();
        Optional<String> id = project.optionalString("id", Names.MAX_LENGTH);
        Optional<String> name = project.optionalString("name", Names.MAX_LENGTH);
        boolean known = project.optionalObject("domain").map(Domain::isDefault).orElse(true);
        project.end();
        if (id.isEmpty() && name.isEmpty()) {
            throw ApiException.badRequest("A project is named by 'id', or by 'name' and 'domain'.");
        }
        return new Scope(known ? Scope.Kind.PROJECT : Scope.Kind.UNSUPPORTED, id, name);
    }

    private static Optional<String> project(Handle handle, Account account, Scope scope) {
        return switch (scope.kind()) {
            case UNSCOPED -> Optional.empty();
            case DEFAULT -> account.defaultProjectId().filter(id -> mayEnter(handle, account, id));
            case UNSUPPORTED -> throw unauthorized();
            case PROJECT -> {
                Optional<Project> wanted =
                        scope.projectId().isPresent()
                                ? Project.find(handle, scope.projectId().get())
                                : scope.projectName()
                                        .flatMap(
                                                name ->
                                                        Project.TABLE.first(
                                                                handle,
                                                                Where.of("name = ?", name)));
                yield Optional.of(
                        wanted.map(Project::id)
                                .filter(id -> mayEnter(handle, account, id))
                                .orElseThrow(TokenApi::unauthorized));
            }
        };
    }

    private static boolean mayEnter(Handle handle, Account account, String projectId) {
        return Project.find(handle, projectId).filter(Project::enabled).isPresent()
                && !Assignments.rolesOn(handle, account.id(), projectId).isEmpty();
    }

    private Response show(Request request) {
        Token subject = subject(request);
        boolean withCatalog = !request.query().names().contains("nocatalog");
        return describe(request, 200, subject, withCatalog)
                .header("X-Subject-Token", tokens.sign(subject));
    }

    private Response revoke(Request request) {
        tokens.revoke(subject(request));
        return Response.empty(204);
    }

    /** The token the request is about: one's own, or any for an administrator. */
    private Token subject(Request request) {
        String text =
                request.header("X-Subject-Token")
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "The header X-Subject-Token is missing."));
        Token token =
                tokens.token(text)
                        .orElseThrow(() -> ApiException.notFound("Failed to validate token"));
        Policy.require(
                request.caller().isAdmin() || request.caller().userId().equals(token.userId()),
                "validate_token");
        return token;
    }

    private Response catalog(Request request) {
        ObjectNode root = Json.object();
        root.set("catalog", catalog.view(request.baseUrl()));
        root.putObject("links").put("self", request.baseUrl() + request.path());
        return Response.ok(root);
    }

    private Response projects(Request request) {
        List<Project> projects =
                database.read(handle -> Assignments.projectsOf(handle, request.caller().userId()));
        return KeystoneStyle.all(request, "projects", projects, Project.VIEW);
    }

    private Response domains(Request request) {
        return KeystoneStyle.all(request, "domains", List.of(Domain.DEFAULT), Domain.VIEW);
    }

    private Response describe(Request request, int status, Token token, boolean withCatalog) {
        return database.read(
                handle -> {
                    Account account =
                            Account.find(handle, token.userId())
                                    .orElseThrow(TokenApi::unauthorized);
                    ObjectNode view = Json.object();
                    view.set(
                            "methods",
                            Json.strings(
                                    token.methods().stream()
                                            .map(Token.Method::text)
                                            .sorted()
                                            .toList()));
                    ObjectNode user =
                            view.putObject("user")
                                    .put("id", account.id())
                                    .put("name", account.name());
                    user.set("domain", Domain.reference());
                    // Passwords do not expire.
                    user.putNull("password_expires_at");
                    view.putArray("audit_ids").add(token.auditId());
                    view.put("expires_at", Json.timeMicros(token.expiresAt()));
                    view.put("issued_at", Json.timeMicros(token.issuedAt()));
                    token.project().ifPresent(id -> describeScope(handle, view, account, id));
                    if (withCatalog && token.project().isPresent()) {
                        view.set("catalog", catalog.view(request.baseUrl()));
                    }
                    return KeystoneStyle.one(status, "token", view);
                });
    }

    private static void describeScope(
            Handle handle, ObjectNode view, Account account, String projectId) {
        Project project = Project.find(handle, projectId).orElseThrow(TokenApi::unauthorized);
        view.put("is_domain", false);
        ObjectNode scope =
                view.putObject("project").put("id", project.id()).put("name", project.name());
        scope.set("domain", Domain.reference());
        List<Role> held = Assignments.rolesOn(handle, account.id(), projectId);
        Set<String> names = held.stream().map(Role::name).collect(Collectors.toSet());
        List<String> implied =
                Role.implied(names).stream().filter(name -> !names.contains(name)).toList();
        ArrayNode roles = view.putArray("roles");
        held.forEach(role -> roles.addObject().put("id", role.id()).put("name", role.name()));
        if (!implied.isEmpty()) {
            Role.TABLE
                    .all(handle, Where.ALL.in("name", implied))
                    .forEach(
                            role ->
                                    roles.addObject()
                                            .put("id", role.id())
                                            .put("name", role.name()));
        }
    }

    private static ApiException unauthorized() {
        return new ApiException(
                Fault.UNAUTHORIZED, "The request you have made requires authentication.");
    }
}
