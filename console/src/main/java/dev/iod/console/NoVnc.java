package dev.iod.console;

import dev.iod.rest.ApiException;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The page with a server's display, and noVNC, which it is made of. Kept in memory: what can be
 * asked for is what was there at the start, by its name in a table.
 */
final class NoVnc {
    private static final int MAX_FILES = 200;
    private static final int MAX_FILE_BYTES = 1 << 20;
    private static final List<String> PAGE = List.of("vnc.html", "vnc.js", "vnc.css");

    private final Map<String, byte[]> files = new HashMap<>();
    private final String policy;

    /**
     * @param directory with noVNC's {@code core}, {@code vendor} and {@code copyright}, as {@code
     *     console/novnc} unpacks it; without it there is no page
     * @param origins hosts whose pages may frame this one, beside the region's own
     */
    NoVnc(Optional<Path> directory, Set<String> origins) {
        StringBuilder frames = new StringBuilder("'self'");
        new TreeSet<>(origins).forEach(host -> frames.append(' ').append(host));
        policy =
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
                        + " img-src 'self' data:; base-uri 'none'; form-action 'none';"
                        + " frame-ancestors "
                        + frames;
        directory.ifPresent(this::load);
    }

    private void load(Path directory) {
        try {
            for (String name : PAGE) {
                try (InputStream file = NoVnc.class.getResourceAsStream(name)) {
                    if (file == null) {
                        throw new IllegalStateException("the module has no " + name);
                    }
                    files.put(name, file.readAllBytes());
                }
            }
            files.put("novnc/copyright", Files.readAllBytes(directory.resolve("copyright")));
            for (String part : List.of("core", "vendor")) {
                try (Stream<Path> found = Files.walk(directory.resolve(part))) {
                    for (Path file : found.filter(f -> f.toString().endsWith(".js")).toList()) {
                        if (files.size() == MAX_FILES || Files.size(file) > MAX_FILE_BYTES) {
                            throw new IllegalStateException("not noVNC: " + directory);
                        }
                        files.put("novnc/" + directory.relativize(file), Files.readAllBytes(file));
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read noVNC; console/novnc unpacks it", e);
        }
    }

    List<Route> routes() {
        return List.of(
                Route.get("/{file}", this::serve).may(Rule.PUBLIC),
                Route.get("/novnc/{file}", this::serve).may(Rule.PUBLIC),
                Route.get("/novnc/core/{file}", this::serve).may(Rule.PUBLIC),
                Route.get("/novnc/core/{folder}/{file}", this::serve).may(Rule.PUBLIC),
                Route.get("/novnc/vendor/pako/lib/{folder}/{file}", this::serve).may(Rule.PUBLIC));
    }

    private Response serve(Request request) {
        String name = request.path().substring(Consoles.PREFIX.length() + 1);
        byte[] bytes = files.get(name);
        if (bytes == null) {
            throw ApiException.notFound("The resource could not be found.");
        }
        return new Response(200, Map.of(), new Response.Body.Bytes(mediaType(name), bytes))
                .header("Content-Security-Policy", policy)
                .header("X-Content-Type-Options", "nosniff")
                .header("Referrer-Policy", "no-referrer")
                .header("Cache-Control", name.endsWith(".html") ? "no-store" : "max-age=3600");
    }

    private static String mediaType(String name) {
        String suffix = name.substring(name.lastIndexOf('.') + 1);
        return switch (suffix) {
            case "html" -> "text/html; charset=utf-8";
            case "js" -> "text/javascript; charset=utf-8";
            case "css" -> "text/css; charset=utf-8";
            default -> "text/plain; charset=utf-8";
        };
    }
}
