package dev.iod.compute;

import dev.iod.region.Actor;
import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
import static dev.iod.rest.View.number;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;

import dev.iod.compute.KeypairStore.Keypair;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /os-keypairs}. */
final class KeypairApi {
    private static final View<Keypair> BRIEF =
            new View<>(
                    List.of(
                            field("name", (k, v) -> text(k.name())),
                            field("public_key", (k, v) -> text(k.publicKey())),
                            field("fingerprint", (k, v) -> text(k.fingerprint())),
                            since(2, "type", (k, v) -> text(k.type()))));

    private static final View<Keypair> CREATED =
            BRIEF.with(field("user_id", (k, v) -> text(k.userId())));

    private static final View<Keypair> FULL =
            CREATED.with(field("created_at", (k, v) -> View.naiveTime(k.created())))
                    .with(field("deleted", (k, v) -> truth(false)))
                    .with(field("deleted_at", (k, v) -> nothing()))
                    .with(field("id", (k, v) -> number(k.number())))
                    .with(field("updated_at", (k, v) -> nothing()));

    private final Parts parts;

    KeypairApi(Parts parts) {
        this.parts = parts;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v2.1/os-keypairs", this::list).may(Rule.READER),
                Route.post("/v2.1/os-keypairs", this::create).may(Rule.MEMBER),
                Route.get("/v2.1/os-keypairs/{name}", this::show).may(Rule.READER),
                Route.delete("/v2.1/os-keypairs/{name}", this::delete).may(Rule.MEMBER));
    }

    private Response list(Request request) {
        ComputeQueries.KEYPAIRS.check(request);
        String user = user(request);
        int minor = request.microversion().minor();
        ListQuery asked = request.list();
        ListQuery page =
                minor >= 35
                        ? asked
                        : new ListQuery(
                                ListQuery.MAX_LIMIT,
                                Optional.empty(),
                                List.of(),
                                asked.fields(),
                                false);
        List<Keypair> keys = parts.database().read(handle -> KeypairStore.list(handle, user, page));
        View.Scope scope = Scopes.of(request);
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("keypairs");
        keys.forEach(key -> array.addObject().set("keypair", BRIEF.render(key, scope)));
        if (minor >= 35 && !keys.isEmpty() && keys.size() == page.limit()) {
            root.set(
                    "keypairs_links",
                    Links.at(scope)
                            .next(
                                    "os-keypairs",
                                    request.query().with("marker", keys.getLast().name())));
        }
        return Response.ok(root);
    }

    private Response show(Request request) {
        ComputeQueries.KEYPAIR.check(request);
        String user = user(request);
        String name = request.pathParameter("name");
        Keypair key =
                parts.database()
                        .read(handle -> KeypairStore.find(handle, user, name))
                        .orElseThrow(() -> missing(user, name));
        ObjectNode root = Json.object();
        root.set("keypair", FULL.render(key, Scopes.of(request)));
        return Response.ok(root);
    }

    private Response create(Request request) {
        JsonNode body = Bodies.read(request, Bodies.CREATE_KEYPAIR).path("keypair");
        String name = body.path("name").stringValue();
        String type = body.path("type").asString("ssh");
        if (!type.equals("ssh")) {
            throw ApiException.badRequest(
                    "Keypair data is invalid: only keys of type ssh are supported.");
        }
        String user = owner(request, body.path("user_id").stringValueOpt());
        Optional<OpenSshKeys.Generated> generated =
                body.has("public_key") ? Optional.empty() : Optional.of(OpenSshKeys.generate());
        String publicKey =
                generated
                        .map(OpenSshKeys.Generated::publicKey)
                        .orElseGet(() -> body.path("public_key").stringValue().strip());
        String fingerprint =
                OpenSshKeys.fingerprint(publicKey)
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Keypair data is invalid: failed to generate"
                                                        + " fingerprint"));
        Keypair key =
                parts.database()
                        .transaction(
                                handle -> {
                                    checkQuota(handle, request, user);
                                    Audit.record(handle, Actor.of(request), "create keypair", name);
                                    return KeypairStore.insert(
                                            handle, user, name, type, publicKey, fingerprint);
                                });
        ObjectNode view = CREATED.render(key, Scopes.of(request));
        generated.ifPresent(made -> view.put("private_key", made.privateKey()));
        ObjectNode root = Json.object();
        root.set("keypair", view);
        // 200 until 2.1, 201 since 2.2.
        return Response.json(request.microversion().minor() < 2 ? 200 : 201, root);
    }

    private static void checkQuota(Handle handle, Request request, String user) {
        int limit =
                Quotas.limits(handle, request.caller().projectId())
                        .getOrDefault(Quotas.Resource.KEY_PAIRS, 0);
        if (Quotas.exceeds(KeypairStore.count(handle, user) + 1, limit)) {
            throw ApiException.forbidden("Quota exceeded, too many key pairs.");
        }
    }

    private Response delete(Request request) {
        ComputeQueries.KEYPAIR.check(request);
        String user = user(request);
        String name = request.pathParameter("name");
        parts.database()
                .run(
                        handle -> {
                            if (!KeypairStore.delete(handle, user, name)) {
                                throw missing(user, name);
                            }
                            Audit.record(handle, Actor.of(request), "delete keypair", name);
                        });
        return Response.empty(request.microversion().minor() < 2 ? 202 : 204);
    }

    /** Since 2.10 an administrator may name another user. */
    private static String user(Request request) {
        return owner(
                request,
                request.microversion().minor() >= 10
                        ? request.query().first("user_id")
                        : Optional.empty());
    }

    private static String owner(Request request, Optional<String> asked) {
        String self = request.caller().userId();
        if (asked.isPresent() && !asked.get().equals(self) && !request.caller().isAdmin()) {
            throw ApiException.forbidden(
                    "Policy doesn't allow os_compute_api:os-keypairs to be performed.");
        }
        return asked.orElse(self);
    }

    private static ApiException missing(String user, String name) {
        return ApiException.notFound("Keypair %s not found for user %s".formatted(name, user));
    }
}
