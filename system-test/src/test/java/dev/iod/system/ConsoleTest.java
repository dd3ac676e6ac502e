package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A guest's serial console is typed into through the region, with the URL that the real client
 * gets, and ends with what carries it.
 */
@ExtendWith(Region.Shared.class)
final class ConsoleTest {
    private static final int SECONDS = 60;

    @Test
    void theSerialConsoleIsTypedInto(Region region) {
        try (Tenant tenant = new Tenant(region, "iod");
                Client admin = region.client("iod-admin")) {
            tenant.network("console-net", "10.84.14.0/24");
            String id = tenant.server("talks", "--network console-net").at("/id").asString();

            String url = url(tenant, "--serial");
            assertThat(url).startsWith(region.api().replace("http", "ws") + "/console/serial?");
            Heard console = connect(url);
            console.type("\r");
            console.await("login: ");
            console.type("somebody\r");
            console.await("somebody");
            console.await("Password: ");
            Wait.until(
                    "the log has it too",
                    SECONDS,
                    () -> tenant.console("talks").contains("somebody"));
            assertThatThrownBy(() -> connect(url))
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(WebSocketHandshakeException.class);

            Heard newer = connect(url(tenant, "--serial"));
            console.awaitEnd();
            newer.type("\r");
            newer.await("login: ");

            String node = admin.json("server show " + id).at("/OS-EXT-SRV-ATTR:host").asString();
            for (String process : new String[] {node + "-host", node + "-dpu"}) {
                Heard used = connect(url(tenant, "--serial"));
                used.type("\r");
                used.await("login: ");
                Command.run("kill", "-9", Long.toString(region.pid(process)));
                used.awaitEnd();
                Wait.until(
                        process + " carries consoles again",
                        SECONDS,
                        () -> connect(url(tenant, "--serial")).answers());
            }

            Heard last = connect(url(tenant, "--serial"));
            tenant.client.text("server stop talks");
            last.awaitEnd();
            assertThat(last.text()).contains("iod-micro: stopping");
            assertThat(tenant.client.text("console url show --serial talks"))
                    .contains("is not ready");
        }
    }

    private static String url(Tenant tenant, String type) {
        return tenant.client.json("console url show " + type + " talks").at("/url").asString();
    }

    private static Heard connect(String url) {
        return new Heard(URI.create(url));
    }

    /** What a console says. */
    private static final class Heard implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();
        private final WebSocket socket;
        private volatile boolean ended;

        Heard(URI url) {
            socket =
                    HttpClient.newHttpClient()
                            .newWebSocketBuilder()
                            .subprotocols("binary")
                            .buildAsync(url, this)
                            .join();
        }

        void type(String keys) {
            socket.sendBinary(ByteBuffer.wrap(keys.getBytes(StandardCharsets.UTF_8)), true).join();
        }

        void await(String wanted) {
            Wait.until(
                    () -> "the console says " + wanted + ": " + text(),
                    SECONDS,
                    () -> text().contains(wanted));
        }

        /** Whether there is a login at its end; its node may not be back. */
        boolean answers() {
            try {
                type("\r");
            } catch (CompletionException e) {
                return false; // It was closed already.
            }
            return says("login: ", 5);
        }

        /** Whether it says that before it ends, or the time is over. */
        synchronized boolean says(String wanted, int seconds) {
            long end = System.nanoTime() + seconds * 1_000_000_000L;
            try {
                long left = end - System.nanoTime();
                while (!ended && left > 0 && text.indexOf(wanted) < 0) {
                    wait(left / 1_000_000 + 1);
                    left = end - System.nanoTime();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return text.indexOf(wanted) >= 0;
        }

        void awaitEnd() {
            Wait.until(() -> "the console ends: " + text(), SECONDS, () -> ended);
        }

        synchronized String text() {
            return text.toString();
        }

        @Override
        public synchronized CompletionStage<?> onBinary(
                WebSocket from, ByteBuffer data, boolean last) {
            text.append(StandardCharsets.UTF_8.decode(data));
            notifyAll();
            return WebSocket.Listener.super.onBinary(from, data, last);
        }

        @Override
        public synchronized CompletionStage<?> onClose(WebSocket from, int code, String reason) {
            ended = true;
            notifyAll();
            return WebSocket.Listener.super.onClose(from, code, reason);
        }

        @Override
        public synchronized void onError(WebSocket from, Throwable error) {
            ended = true;
            notifyAll();
        }
    }
}
