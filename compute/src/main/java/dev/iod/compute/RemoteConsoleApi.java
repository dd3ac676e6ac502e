package dev.iod.compute;

import dev.iod.console.ConsoleType;
import dev.iod.console.Consoles;
import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code POST /servers/ID/remote-consoles} and, until 2.5, its forerunners among the actions; what
 * a token is good for ({@code os-console-auth-tokens}).
 */
final class RemoteConsoleApi {
    /** The actions, which end with this microversion. */
    private static final Set<String> ACTIONS =
            Set.of(
                    "os-getVNCConsole",
                    "os-getSerialConsole",
                    "os-getSPICEConsole",
                    "os-getRDPConsole");

    private static final int ACTIONS_UNTIL = 5;
    private static final int TOKENS_SINCE = 31;

    private final Parts parts;
    private final Consoles consoles;

    RemoteConsoleApi(Parts parts, Consoles consoles) {
        this.parts = parts;
        this.consoles = consoles;
    }

    List<Route> routes() {
        return List.of(
                Route.post("/v2.1/servers/{id}/remote-consoles", this::create).may(Rule.MEMBER),
                Route.get("/v2.1/os-console-auth-tokens/{token}", this::token).may(Rule.ADMIN));
    }

    /** Whether an action is one of the forerunners, and there in this microversion. */
    static boolean has(String action) {
        return ACTIONS.contains(action);
    }

    /** One of the forerunners. */
    Response act(Request request, String id, String action, JsonNode body) {
        if (request.microversion().minor() > ACTIONS_UNTIL) {
            throw gone();
        }
        requireVisible(request, id);
        String wanted =
                Bodies.checked(body, Bodies.console(action), request.microversion().minor())
                        .path(action)
                        .path("type")
                        .stringValue();
        ObjectNode root = Json.object();
        root.putObject("console")
                .put("type", wanted)
                .put("url", url(request, id, ConsoleType.of(wanted), wanted));
        return Response.ok(root);
    }

    private Response create(Request request) {
        if (request.microversion().minor() <= ACTIONS_UNTIL) {
            throw gone();
        }
        String id = request.pathParameter("id");
        requireVisible(request, id);
        JsonNode wanted = Bodies.read(request, Bodies.REMOTE_CONSOLE).path("remote_console");
        String protocol = wanted.path("protocol").stringValue();
        String type = wanted.path("type").stringValue();
        Optional<ConsoleType> found =
                ConsoleType.of(type).filter(known -> known.protocol().equals(protocol));
        ObjectNode root = Json.object();
        root.putObject("remote_console")
                .put("protocol", protocol)
                .put("type", type)
                .put("url", url(request, id, found, type));
        return Response.ok(root);
    }

    /** What others have is not there, whatever is wanted of it. */
    private void requireVisible(Request request, String id) {
        parts.database().read(handle -> ServerChanges.visible(handle, Actor.of(request), id));
    }

    private String url(Request request, String id, Optional<ConsoleType> type, String text) {
        Actor actor = Actor.of(request);
        // A token of a server that has just gone opens nothing: nobody is to be waited for.
        return parts.database()
                .locked(
                        handle -> {
                            Server server = ServerChanges.visible(handle, actor, id);
                            ConsoleType wanted =
                                    type.filter(
                                                    known ->
                                                            known != ConsoleType.NOVNC
                                                                    || !server.flavor().isMicrovm())
                                            .orElseThrow(() -> unavailable(text));
                            boolean runs =
                                    switch (server.state().vm()) {
                                        case ACTIVE, PAUSED, RESCUED -> server.node().isPresent();
                                        default -> false;
                                    };
                            if (!runs) {
                                throw ApiException.conflict(
                                        "Instance %s is not ready".formatted(id));
                            }
                            return consoles.issue(
                                    handle,
                                    actor,
                                    server.id(),
                                    server.projectId(),
                                    wanted,
                                    request.baseUrl());
                        });
    }

    private Response token(Request request) {
        Consoles.Target target =
                consoles.find(request.pathParameter("token"))
                        .orElseThrow(() -> ApiException.notFound("Token not found"));
        if (request.microversion().minor() < TOKENS_SINCE) {
            throw new ApiException(
                    Fault.UNAUTHORIZED, "The requested console type details are not accessible");
        }
        ObjectNode root = Json.object();
        // A node has no port for consoles: it carries them to the region.
        root.putObject("console")
                .put("instance_uuid", target.server().toString())
                .put("host", target.node().orElse(null))
                .putNull("port")
                .putNull("internal_access_path");
        return Response.ok(root);
    }

    private static ApiException unavailable(String type) {
        return ApiException.badRequest("Unavailable console type %s.".formatted(type));
    }

    /** What Nova says to a microversion that does not have the method. */
    private static ApiException gone() {
        return ApiException.notFound("The resource could not be found.");
    }
}
