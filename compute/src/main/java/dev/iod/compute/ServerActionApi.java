package dev.iod.compute;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.Schema;
import dev.iod.rest.View;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code POST /servers/ID/action}: the body's one property names the action. */
final class ServerActionApi {
    /** Most bytes of console output in one answer. */
    private static final int MAX_CONSOLE_BYTES = 256 * 1024;

    private static final int LOCK_REASON_SINCE = 73;
    private static final int FIXED_IPS_UNTIL = 43;
    private static final int RESCUE_OF_VOLUMES_SINCE = 87;

    private final Parts parts;
    private final ServerChanges changes;
    private final ServerImages images;
    private final RemoteConsoleApi consoles;

    ServerActionApi(Parts parts, ServerChanges changes, RemoteConsoleApi consoles) {
        this.parts = parts;
        this.changes = changes;
        this.images = new ServerImages(parts);
        this.consoles = consoles;
    }

    List<Route> routes() {
        return List.of(Route.post("/v2.1/servers/{id}/action", this::act).may(Rule.MEMBER));
    }

    private Response act(Request request) {
        String id = request.pathParameter("id");
        byte[] bytes = request.bytes();
        JsonNode body = Json.parse(bytes);
        if (!body.isObject() || body.size() != 1) {
            throw ApiException.badRequest("Malformed request body");
        }
        String action = body.propertyNames().iterator().next();
        return switch (action) {
            case "os-start" -> {
                changes.start(Actor.of(request), id);
                yield Response.empty(202);
            }
            case "os-stop" -> {
                changes.stop(Actor.of(request), id);
                yield Response.empty(202);
            }
            case "pause" -> {
                changes.pause(Actor.of(request), id);
                yield Response.empty(202);
            }
            case "unpause" -> {
                changes.unpause(Actor.of(request), id);
                yield Response.empty(202);
            }
            case "lock" -> lock(request, id, body);
            case "unlock" -> {
                changes.unlock(Actor.of(request), id);
                yield Response.empty(202);
            }
            case "addSecurityGroup", "removeSecurityGroup" ->
                    securityGroup(request, id, action, body);
            case "addFixedIp", "removeFixedIp" -> {
                if (request.microversion().minor() > FIXED_IPS_UNTIL) {
                    throw unknown(request, id, action);
                }
                yield address(request, id, action, body);
            }
            case "reboot" -> reboot(request, id, body);
            case "rebuild" -> rebuild(request, id, body);
            case "rescue" -> rescue(request, id, body);
            case "unrescue" -> {
                changes.unrescue(Actor.of(request), id);
                yield Response.empty(202);
            }
            case "resize" -> {
                JsonNode wanted = checked(request, body, Bodies.RESIZE).path("resize");
                new ServerResize(parts)
                        .resize(
                                Actor.of(request),
                                id,
                                wanted.path("flavorRef").asString(),
                                wanted.path("OS-DCF:diskConfig").stringValueOpt());
                yield Response.empty(202);
            }
            case "confirmResize" -> {
                new ServerResize(parts).confirm(Actor.of(request), id);
                yield Response.empty(204);
            }
            case "revertResize" -> {
                new ServerResize(parts).revert(Actor.of(request), id);
                yield Response.empty(202);
            }
            case "createImage", "createBackup" -> images.create(request, id, action, body);
            case "os-resetState" -> resetState(request, id, body);
            case "os-getConsoleOutput" -> console(request, id, body);
            default -> {
                if (RemoteConsoleApi.has(action)) {
                    yield consoles.act(request, id, action, body);
                }
                throw unknown(request, id, action);
            }
        };
    }

    /** 404 when there is no such server, as for all actions. */
    private ApiException unknown(Request request, String id, String action) {
        parts.database().read(handle -> ServerChanges.visible(handle, Actor.of(request), id));
        return ApiException.badRequest("There is no such action: " + action);
    }

    private Response lock(Request request, String id, JsonNode body) {
        JsonNode checked = checked(request, body, Bodies.LOCK);
        Optional<String> reason =
                request.microversion().minor() >= LOCK_REASON_SINCE
                        ? checked.path("lock").path("locked_reason").stringValueOpt()
                        : Optional.empty();
        changes.lock(Actor.of(request), id, reason);
        return Response.empty(202);
    }

    private Response securityGroup(Request request, String id, String action, JsonNode body) {
        String group =
                checked(request, body, Bodies.securityGroup(action))
                        .path(action)
                        .path("name")
                        .stringValue();
        if (action.equals("addSecurityGroup")) {
            changes.addSecurityGroup(Actor.of(request), id, group);
        } else {
            changes.removeSecurityGroup(Actor.of(request), id, group);
        }
        return Response.empty(202);
    }

    private Response address(Request request, String id, String action, JsonNode body) {
        if (action.equals("addFixedIp")) {
            JsonNode checked = checked(request, body, Bodies.ADD_FIXED_IP);
            String network = checked.path(action).path("networkId").asString();
            changes.addAddress(Actor.of(request), id, network);
        } else {
            JsonNode checked = checked(request, body, Bodies.REMOVE_FIXED_IP);
            String address = checked.path(action).path("address").stringValue();
            changes.removeAddress(Actor.of(request), id, address);
        }
        return Response.empty(202);
    }

    private Response reboot(Request request, String id, JsonNode body) {
        JsonNode checked = checked(request, body, Bodies.REBOOT);
        String type = checked.path("reboot").path("type").stringValue().toUpperCase(Locale.ROOT);
        changes.reboot(Actor.of(request), id, ServerChanges.Reboot.valueOf(type));
        return Response.empty(202);
    }

    private Response rebuild(Request request, String id, JsonNode body) {
        JsonNode wanted = checked(request, body, Bodies.REBUILD).path("rebuild");
        AdminPassword password = AdminPassword.of(wanted.path("adminPass").stringValueOpt());
        ServerShown rebuilt =
                new ServerRebuild(parts).rebuild(Actor.of(request), id, wanted, password);
        View.Scope scope = Scopes.of(request);
        ObjectNode server = ServerView.REBUILT.render(rebuilt, scope);
        server.put("adminPass", password.text());
        ObjectNode root = Json.object();
        root.set("server", server);
        return Response.json(202, root).header("Location", Links.at(scope).self("servers", id));
    }

    private Response rescue(Request request, String id, JsonNode body) {
        JsonNode wanted = checked(request, body, Bodies.RESCUE).path("rescue");
        AdminPassword password = AdminPassword.of(wanted.path("adminPass").stringValueOpt());
        new ServerRescue(parts)
                .rescue(
                        Actor.of(request),
                        id,
                        wanted.path("rescue_image_ref").stringValueOpt(),
                        password,
                        request.microversion().minor() >= RESCUE_OF_VOLUMES_SINCE);
        return Response.ok(Json.object().put("adminPass", password.text()));
    }

    private Response resetState(Request request, String id, JsonNode body) {
        if (!request.caller().isAdmin()) {
            throw ApiException.forbidden(
                    "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be"
                            + " performed.");
        }
        JsonNode checked = checked(request, body, Bodies.RESET_STATE);
        String state = checked.path("os-resetState").path("state").stringValue();
        changes.resetState(Actor.of(request), id, VmState.of(state));
        return Response.empty(202);
    }

    private Response console(Request request, String id, JsonNode body) {
        JsonNode checked = checked(request, body, Bodies.CONSOLE_OUTPUT);
        Server server =
                parts.database()
                        .read(handle -> ServerChanges.visible(handle, Actor.of(request), id));
        JsonNode length = checked.path("os-getConsoleOutput").path("length");
        long lines =
                length.isMissingNode() || length.isNull() ? -1 : Long.parseLong(length.asString());
        String node =
                server.node()
                        .orElseThrow(
                                () ->
                                        ApiException.conflict(
                                                "Instance %s is not ready".formatted(id)));
        byte[] output = parts.sessions().console(node, server.id().toString(), MAX_CONSOLE_BYTES);
        return Response.ok(Json.object().put("output", lastLines(output, lines)));
    }

    /** The last lines (all for −1) without the control characters that Nova removes. */
    static String lastLines(byte[] output, long lines) {
        String text =
                new String(output, StandardCharsets.UTF_8)
                        .replaceAll("[\\x00-\\x08\\x0B-\\x1F]", "");
        if (lines < 0) {
            return text;
        }
        int start = text.endsWith("\n") ? text.length() - 1 : text.length();
        for (long i = 0; i < lines && start >= 0; i++) {
            start = text.lastIndexOf('\n', start - 1);
        }
        return lines == 0 ? "" : text.substring(start + 1);
    }

    private static JsonNode checked(Request request, JsonNode body, Schema schema) {
        return Bodies.checked(body, schema, request.microversion().minor());
    }
}
