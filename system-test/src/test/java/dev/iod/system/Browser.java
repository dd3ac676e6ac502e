package dev.iod.system;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A page in Debian's Chromium without a window, by its DevTools protocol. */
final class Browser implements AutoCloseable {
    private static final int SECONDS = 60;
    private static final String LISTENS = "DevTools listening on ws://";

    private final Path profile;
    private final Process process;
    private final Page page;
    private int lastId;

    Browser(String url) {
        try {
            profile = Files.createTempDirectory("iod-browser");
            process =
                    new ProcessBuilder(
                                    "chromium",
                                    "--headless=new",
                                    "--no-sandbox", // It runs as root here, and sees our page only.
                                    "--disable-gpu",
                                    "--no-first-run",
                                    "--remote-debugging-port=0",
                                    "--user-data-dir=" + profile,
                                    "about:blank")
                            .redirectErrorStream(true)
                            .start();
            String address = "http://" + address(process.inputReader());
            HttpClient http = HttpClient.newHttpClient();
            HttpRequest open =
                    HttpRequest.newBuilder(
                                    URI.create(
                                            address
                                                    + "/json/new?"
                                                    + URLEncoder.encode(
                                                            url, StandardCharsets.UTF_8)))
                            .PUT(HttpRequest.BodyPublishers.noBody())
                            .build();
            String target = http.send(open, HttpResponse.BodyHandlers.ofString()).body();
            page =
                    new Page(
                            http,
                            URI.create(
                                    Region.JSON
                                            .readTree(target)
                                            .at("/webSocketDebuggerUrl")
                                            .asString()));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot run Chromium", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    private static String address(BufferedReader output) throws IOException {
        StringBuilder said = new StringBuilder();
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            said.append(line).append('\n');
            if (line.startsWith(LISTENS)) {
                Thread.ofVirtual().start(() -> output.lines().forEach(ignored -> {}));
                String rest = line.substring(LISTENS.length());
                return rest.substring(0, rest.indexOf('/'));
            }
        }
        throw new AssertionError("Chromium ended: " + said);
    }

    /** The value of an expression in the page. */
    JsonNode evaluate(String expression) {
        ObjectNode parameters = Region.JSON.createObjectNode();
        parameters.put("expression", expression).put("returnByValue", true);
        return call("Runtime.evaluate", parameters).at("/result/result/value");
    }

    /** A key goes down, or up; its modifiers are bits: 1 Alt, 2 Ctrl. */
    void key(String type, String key, String code, int modifiers) {
        ObjectNode parameters = Region.JSON.createObjectNode();
        parameters.put("type", type).put("key", key).put("code", code);
        parameters.put("modifiers", modifiers);
        call("Input.dispatchKeyEvent", parameters);
    }

    /** Types small letters. */
    void type(String letters) {
        for (char letter : letters.toCharArray()) {
            String code = "Key" + Character.toUpperCase(letter);
            key("keyDown", String.valueOf(letter), code, 0);
            key("keyUp", String.valueOf(letter), code, 0);
        }
    }

    private JsonNode call(String method, ObjectNode parameters) {
        ObjectNode message = Region.JSON.createObjectNode();
        int id = ++lastId;
        message.put("id", id).put("method", method).set("params", parameters);
        page.socket.sendText(message.toString(), true).join();
        try {
            while (true) {
                JsonNode answer =
                        Region.JSON.readTree(
                                Optional.ofNullable(page.heard.poll(SECONDS, TimeUnit.SECONDS))
                                        .orElseThrow());
                if (answer.path("id").asInt(0) == id) {
                    return answer;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        process.onExit().join();
        Command.run("rm", "-rf", profile.toString());
    }

    /** The page's end of the protocol. */
    private static final class Page implements WebSocket.Listener {
        private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        private final StringBuilder part = new StringBuilder();
        private final WebSocket socket;

        Page(HttpClient http, URI url) {
            socket = http.newWebSocketBuilder().buildAsync(url, this).join();
        }

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
            part.append(data);
            if (last) {
                heard.add(part.toString());
                part.setLength(0);
            }
            return WebSocket.Listener.super.onText(from, data, last);
        }
    }
}
