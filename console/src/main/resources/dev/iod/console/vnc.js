// The display of a server, by noVNC. The URL's parameter "path" is the WebSocket's, as in Nova's URLs.
import RFB from "./novnc/core/rfb.js";

const say = (text) => {
    document.getElementById("status").textContent = text;
};
const path = new URLSearchParams(location.search).get("path") ?? "";

// Only to the region's own consoles, whatever link led here.
if (/^console\/vnc\?token=[0-9a-f-]{36}$/.test(path)) {
    history.replaceState(null, "", location.pathname); // The token opens nothing any more.
    const url = new URL("/" + path, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const rfb = new RFB(document.getElementById("screen"), url.href, { shared: true });
    rfb.scaleViewport = true;
    rfb.addEventListener("connect", () => {
        say("");
        rfb.focus();
    });
    rfb.addEventListener("disconnect", (event) =>
        say(
            event.detail.clean
                ? "The console has ended."
                : "There is no console here. A URL opens one once, and within ten minutes: ask for a new one.",
        ),
    );
} else {
    say("This is no URL of a console.");
}
