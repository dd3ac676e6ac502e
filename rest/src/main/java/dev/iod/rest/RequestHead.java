package dev.iod.rest;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Request line and headers (RFC 9112 §3, §5), read strictly where two readers could understand two
 * things (framing, hosts), and as OpenStack's servers do in the query: characters that should have
 * been escaped stand for themselves there.
 *
 * @param path before the question mark, escapes and all
 * @param query after it, or empty
 * @param http10 whether the client speaks HTTP/1.0
 * @param headers by lower-case name
 */
record RequestHead(
        String method,
        String path,
        String query,
        boolean http10,
        Map<String, List<String>> headers) {
    /** Longest request line. */
    static final int MAX_LINE_BYTES = 8 << 10;

    /** Longest head, request line included. */
    static final int MAX_BYTES = 24 << 10;

    private static final int MAX_HEADERS = 100;
    private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");
    private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._:\\[\\]-]{0,300}");

    /** How the body's end is found. */
    sealed interface Framing {
        /** No body. */
        record None() implements Framing {}

        /** So many bytes. */
        record Length(long bytes) implements Framing {}

        /** Chunks (RFC 9112 §7.1). */
        record Chunked() implements Framing {}
    }

    /**
     * Parses what precedes the empty line.
     *
     * @throws ApiException 400, 414, 505 or (more than 100 headers) 431
     */
    static RequestHead parse(byte[] head) {
        String text = new String(head, StandardCharsets.ISO_8859_1);
        String[] lines = text.split("\r\n", -1);
        String line = lines[0];
        if (line.length() > MAX_LINE_BYTES) {
            throw new ApiException(Fault.URI_TOO_LONG, "The request line is too long.");
        }
        // Blanks in the middle belong to the query of a careless client.
        int first = line.indexOf(' ');
        int last = line.lastIndexOf(' ');
        if (first <= 0 || last <= first + 1 || !TOKEN.matcher(line.substring(0, first)).matches()) {
            throw ApiException.badRequest("The request line is malformed.");
        }
        String target = originForm(utf8(line.substring(first + 1, last)));
        int question = target.indexOf('?');
        String path = question < 0 ? target : target.substring(0, question);
        if (!path.startsWith("/") || path.indexOf(' ') >= 0 || hasControl(target)) {
            throw ApiException.badRequest("The request's target is malformed.");
        }
        RequestHead parsed =
                new RequestHead(
                        line.substring(0, first),
                        path,
                        question < 0 ? "" : target.substring(question + 1),
                        http10(line.substring(last + 1)),
                        headers(lines));
        parsed.checkHost();
        return parsed;
    }

    /** The first value of a header. */
    Optional<String> header(String name) {
        return all(name).stream().findFirst();
    }

    /** Whether the connection stays open after the answer, as far as the client is concerned. */
    boolean keepAlive() {
        return http10 ? lists("connection", "keep-alive") : !lists("connection", "close");
    }

    /** Whether the client waits for a word before it sends the body. */
    boolean expectsContinue() {
        return !http10 && lists("expect", "100-continue");
    }

    /**
     * Where the body ends.
     *
     * @throws ApiException 400 when it is not said clearly, 501 for a coding other than chunked
     */
    Framing framing() {
        List<String> codings = all("transfer-encoding");
        List<String> lengths = all("content-length");
        if (!codings.isEmpty()) {
            if (!lengths.isEmpty() || http10) {
                throw ApiException.badRequest("The body has two lengths.");
            }
            if (codings.size() != 1 || !codings.getFirst().equalsIgnoreCase("chunked")) {
                throw new ApiException(
                        Fault.NOT_IMPLEMENTED, "The only transfer coding taken is chunked.");
            }
            return new Framing.Chunked();
        }
        if (lengths.isEmpty()) {
            return new Framing.None();
        }
        String length = lengths.getFirst();
        if (lengths.size() > 1 || !length.matches("[0-9]{1,18}")) {
            throw ApiException.badRequest("The header Content-Length is malformed.");
        }
        return new Framing.Length(Long.parseLong(length));
    }

    private List<String> all(String name) {
        return headers.getOrDefault(name, List.of());
    }

    private boolean lists(String name, String token) {
        return all(name).stream()
                .flatMap(value -> List.of(value.split(",", -1)).stream())
                .anyMatch(value -> value.strip().equalsIgnoreCase(token));
    }

    private void checkHost() {
        List<String> hosts = all("host");
        if (hosts.size() > 1
                || (hosts.isEmpty() && !http10)
                || !hosts.stream().allMatch(host -> HOST.matcher(host).matches())) {
            throw ApiException.badRequest("One header Host with a host and a port is expected.");
        }
    }

    private static boolean http10(String version) {
        return switch (version) {
            case "HTTP/1.1" -> false;
            case "HTTP/1.0" -> true;
            default -> {
                if (version.matches("HTTP/[0-9]\\.[0-9]")) {
                    throw new ApiException(
                            Fault.HTTP_VERSION, "HTTP/1.1 and HTTP/1.0 are spoken here.");
                }
                throw ApiException.badRequest("The request line is malformed.");
            }
        };
    }

    /** The target without scheme and host, which a request through a proxy has (§3.2.2). */
    private static String originForm(String target) {
        if (!target.regionMatches(true, 0, "http://", 0, 7)) {
            return target;
        }
        int slash = target.indexOf('/', 7);
        return slash < 0 ? "/" : target.substring(slash);
    }

    private static Map<String, List<String>> headers(String[] lines) {
        if (lines.length - 1 > MAX_HEADERS) {
            throw new ApiException(
                    Fault.HEADERS_TOO_LARGE, "At most " + MAX_HEADERS + " headers are taken.");
        }
        Map<String, List<String>> headers = new HashMap<>();
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            // A blank before the colon or at the line's start is refused here (§5.1, §5.2).
            if (colon <= 0 || !TOKEN.matcher(lines[i].substring(0, colon)).matches()) {
                throw ApiException.badRequest("A header is malformed.");
            }
            String value = lines[i].substring(colon + 1).strip();
            if (hasControl(value)) {
                throw ApiException.badRequest("A header has a control character.");
            }
            headers.computeIfAbsent(
                            lines[i].substring(0, colon).toLowerCase(Locale.ROOT),
                            name -> new ArrayList<>())
                    .add(value);
        }
        return headers;
    }

    private static String utf8(String latin1) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(latin1.getBytes(StandardCharsets.ISO_8859_1)))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new ApiException(Fault.BAD_REQUEST, "The URL is not UTF-8.", e);
        }
    }

    private static boolean hasControl(String text) {
        return text.chars().anyMatch(c -> (c < ' ' && c != '\t') || c == 0x7f);
    }
}
