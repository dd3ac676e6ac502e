package dev.iod.compute;

import static dev.iod.compute.ComputeQuotas.Resource.KEY_PAIRS;
import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
import static dev.iod.rest.View.number;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;

import dev.iod.region.Actor;
import dev.iod.region.Collection;
import dev.iod.region.Collection.Paging;
import dev.iod.rest.ApiException;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import dev.iod.store.Columns;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
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

    private static final View<Keypair> ITEM =
            new View<>(List.of(field("keypair", (k, v) -> BRIEF.render(k, v))));

    private static final View<Keypair> CREATED =
            BRIEF.with(field("user_id", (k, v) -> text(k.userId())));

    // A key is never changed, and a deleted one is gone: as Nova shows one that is there.
    private static final View<Keypair> FULL =
            CREATED.with(field("created_at", (k, v) -> View.naiveTime(k.createdAt())))
                    .with(field("deleted", (k, v) -> truth(false)))
                    .with(field("deleted_at", (k, v) -> nothing()))
                    .with(field("id", (k, v) -> number(k.number())))
                    .with(field("updated_at", (k, v) -> nothing()));

    private final KeyGenerator generator;
    private final Collection<Keypair> keypairs;

    KeypairApi(Parts parts, KeyGenerator generator) {
        this.generator = generator;
        keypairs =
                NovaStyle.collection(parts, Keypair.TABLE, "keypair", "name", Keypair::name)
                        .shown(ITEM, FULL)
                        .visible(request -> Keypair.of(owner(request)))
                        .paging(
                                request ->
                                        request.microversion().since(2, 35)
                                                ? Paging.byMarker(request)
                                                : Paging.none())
                        .parameters(ComputeQueries.KEYPAIRS, ComputeQueries.KEYPAIR)
                        .quota(KEY_PAIRS.quota(), "user_id", "Quota exceeded, too many key pairs.")
                        .missing(KeypairApi::missing)
                        .duplicate(
                                (columns, constraint) ->
                                        "Key pair '%s' already exists."
                                                .formatted(columns.text("name")))
                        .deleted(request -> request.microversion().since(2, 2) ? 204 : 202)
                        .build();
    }

    List<Route> routes() {
        String all = "/v2.1/os-keypairs";
        String one = all + "/{name}";
        return List.of(
                Route.get(all, keypairs::list).may(Rule.READER),
                Route.post(all, this::create).may(Rule.MEMBER),
                Route.get(one, keypairs::show).may(Rule.READER),
                Route.delete(one, keypairs::delete).may(Rule.MEMBER));
    }

    private Response create(Request request) {
        JsonNode body = Bodies.read(request, Bodies.CREATE_KEYPAIR).path("keypair");
        String type = body.path("type").asString("ssh");
        if (!type.equals("ssh")) {
            throw invalid("only keys of type ssh are supported.");
        }
        Actor actor = Actor.of(request);
        String user = owner(actor, body.path("user_id").stringValueOpt());
        keypairs.admit(actor, user);
        Optional<OpenSshKeys.Generated> generated =
                body.has("public_key") ? Optional.empty() : Optional.of(generator.generate());
        String publicKey =
                generated
                        .map(OpenSshKeys.Generated::publicKey)
                        .orElseGet(() -> body.path("public_key").stringValue().strip());
        String fingerprint =
                OpenSshKeys.fingerprint(publicKey)
                        .orElseThrow(() -> invalid("failed to generate fingerprint"));
        Columns columns =
                new Columns()
                        .set("user_id", user)
                        .set("name", body.path("name").stringValue())
                        .set("type", type)
                        .set("public_key", publicKey)
                        .set("fingerprint", fingerprint);
        Keypair made = keypairs.create(request, columns);
        ObjectNode view = CREATED.render(made, Scopes.of(request));
        generated.ifPresent(key -> view.put("private_key", key.privateKey()));
        return Response.json(
                request.microversion().since(2, 2) ? 201 : 200, keypairs.wrapped(view));
    }

    /** Since 2.10 an administrator may name another user. */
    private static String owner(Request request) {
        return owner(
                Actor.of(request),
                request.microversion().since(2, 10)
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

    private static String missing(Request request, String name) {
        return "Keypair %s not found for user %s".formatted(name, owner(request));
    }

    private static ApiException invalid(String reason) {
        return ApiException.badRequest("Keypair data is invalid: " + reason);
    }
}
