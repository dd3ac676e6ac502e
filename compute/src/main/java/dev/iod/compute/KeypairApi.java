package dev.iod.compute;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
import static dev.iod.rest.View.number;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;

import dev.iod.region.Actor;
import dev.iod.region.Collection;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /os-keypairs}. */
final class KeypairApi implements Collection.Rules<Keypair> {
    private static final View<Keypair> ITEM =
            new View<>(
                    List.of(
                            field("name", (k, v) -> text(k.name())),
                            field("public_key", (k, v) -> text(k.publicKey())),
                            field("fingerprint", (k, v) -> text(k.fingerprint())),
                            since(2, "type", (k, v) -> text(k.type()))));

    private static final View<Keypair> CREATED =
            ITEM.with(field("user_id", (k, v) -> text(k.userId())));

    private static final View<Keypair> FULL =
            CREATED.with(field("created_at", (k, v) -> View.naiveTime(k.createdAt())))
                    .with(field("deleted", (k, v) -> truth(false)))
                    .with(field("deleted_at", (k, v) -> nothing()))
                    .with(field("id", (k, v) -> number(k.number())))
                    .with(field("updated_at", (k, v) -> nothing()));

    /** Keys generated at once; who waits longer than the limit gets 503. */
    private static final int MAX_GENERATING = 2;

    private static final int GENERATION_WAIT_SECONDS = 10;

    private final Semaphore generating = new Semaphore(MAX_GENERATING);
    private final Collection<Keypair> keypairs;

    KeypairApi(Parts parts) {
        keypairs =
                new Collection<>(
                        parts.database(),
                        Keypair.TABLE,
                        ComputeQuotas.Resource.KEY_PAIRS.quota(),
                        ITEM,
                        FULL,
                        this);
    }

    List<Route> routes() {
        String all = "/v2.1/os-keypairs";
        String one = all + "/{name}";
        return List.of(
                Route.get(all, this::list).may(Rule.READER),
                Route.post(all, this::create).may(Rule.MEMBER),
                Route.get(one, this::show).may(Rule.READER),
                Route.delete(one, this::delete).may(Rule.MEMBER));
    }

    private Response list(Request request) {
        ComputeQueries.KEYPAIRS.check(request);
        return keypairs.list(request);
    }

    private Response show(Request request) {
        ComputeQueries.KEYPAIR.check(request);
        return keypairs.show(request, request.pathParameter("name"));
    }

    private Response delete(Request request) {
        ComputeQueries.KEYPAIR.check(request);
        return keypairs.delete(request, request.pathParameter("name"));
    }

    private Response create(Request request) {
        JsonNode body = Bodies.read(request, Bodies.CREATE_KEYPAIR).path("keypair");
        String name = body.path("name").stringValue();
        String type = body.path("type").asString("ssh");
        if (!type.equals("ssh")) {
            throw invalid("only keys of type ssh are supported.");
        }
        Actor actor = Actor.of(request);
        String user = owner(actor, body.path("user_id").stringValueOpt());
        keypairs.admit(actor, user);
        Optional<OpenSshKeys.Generated> generated =
                body.has("public_key") ? Optional.empty() : Optional.of(generate());
        String publicKey =
                generated
                        .map(OpenSshKeys.Generated::publicKey)
                        .orElseGet(() -> body.path("public_key").stringValue().strip());
        String fingerprint =
                OpenSshKeys.fingerprint(publicKey)
                        .orElseThrow(() -> invalid("failed to generate fingerprint"));
        Keypair made =
                keypairs.create(
                        actor,
                        user,
                        name,
                        Map.of(
                                "user_id", user,
                                "name", name,
                                "type", type,
                                "public_key", publicKey,
                                "fingerprint", fingerprint));
        ObjectNode view = CREATED.render(made, scope(request));
        generated.ifPresent(key -> view.put("private_key", key.privateKey()));
        // 200 until 2.1, 201 since 2.2.
        return Response.json(
                request.microversion().minor() < 2 ? 200 : 201, keypairs.wrapped(view));
    }

    /** Making a key takes a processor for a good while: few at once. */
    private OpenSshKeys.Generated generate() {
        try {
            if (!generating.tryAcquire(GENERATION_WAIT_SECONDS, TimeUnit.SECONDS)) {
                throw new ApiException(
                        Fault.UNAVAILABLE, "Too many keys are being generated; try again.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(Fault.UNAVAILABLE, "The region is stopping.", e);
        }
        try {
            return OpenSshKeys.generate();
        } finally {
            generating.release();
        }
    }

    @Override
    public String singular() {
        return "keypair";
    }

    @Override
    public String plural() {
        return "keypairs";
    }

    /** Since 2.10 an administrator may name another user. */
    @Override
    public String owner(Request request) {
        return owner(
                Actor.of(request),
                request.microversion().minor() >= 10
                        ? request.query().first("user_id")
                        : Optional.empty());
    }

    private static String owner(Actor actor, Optional<String> asked) {
        if (asked.isPresent() && !asked.get().equals(actor.userId()) && !actor.isAdmin()) {
            throw ApiException.forbidden(
                    "Policy doesn't allow os_compute_api:os-keypairs to be performed.");
        }
        return asked.orElse(actor.userId());
    }

    @Override
    public String key(Keypair keypair) {
        return keypair.name();
    }

    @Override
    public View.Scope scope(Request request) {
        return Scopes.of(request);
    }

    @Override
    public boolean paged(Request request) {
        return request.microversion().minor() >= 35;
    }

    @Override
    public ObjectNode item(ObjectNode view) {
        ObjectNode item = Json.object();
        item.set("keypair", view);
        return item;
    }

    @Override
    public ArrayNode next(Request request, String last) {
        return Links.at(scope(request)).next("os-keypairs", request.query().with("marker", last));
    }

    @Override
    public int deleted(Request request) {
        return request.microversion().minor() < 2 ? 202 : 204;
    }

    @Override
    public ApiException missing(String user, String name) {
        return ApiException.notFound("Keypair %s not found for user %s".formatted(name, user));
    }

    @Override
    public ApiException duplicate(String name) {
        return ApiException.conflict("Key pair '%s' already exists.".formatted(name));
    }

    @Override
    public ApiException tooMany(Quotas.Excess excess) {
        return ApiException.forbidden("Quota exceeded, too many key pairs.");
    }

    private static ApiException invalid(String reason) {
        return ApiException.badRequest("Keypair data is invalid: " + reason);
    }
}
