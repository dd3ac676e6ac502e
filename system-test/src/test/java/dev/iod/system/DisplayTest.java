package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A guest's display in Chromium, by the URL that the real client gets: picture and keyboard. */
@ExtendWith(Region.Shared.class)
final class DisplayTest {
    /** Pixels of the picture that are lighter than a dark grey. */
    private static final String LIGHT =
            """
            (() => {
                const canvas = document.querySelector("#screen canvas");
                if (!canvas || !canvas.width || document.getElementById("status").textContent) {
                    return 0;
                }
                const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                let light = 0;
                for (let i = 0; i < all.data.length; i += 4) {
                    light += all.data[i] + all.data[i + 1] + all.data[i + 2] > 200 ? 1 : 0;
                }
                return light;
            })()
            """;

    private static final String BOOTING = "iod-micro: booting";
    private static final int SECONDS = 60;

    /** Eight letters have more pixels than that, and a cursor that blinks has fewer. */
    private static final int LETTERS = 60;

    @Test
    void aBrowserShowsThePictureAndTypes(Region region) {
        try (Tenant tenant = new Tenant(region, "iod")) {
            tenant.network("display-net", "10.84.15.0/24");
            tenant.server("shows", "--network display-net");
            String url = tenant.client.json("console url show --novnc shows").at("/url").asString();
            try (Browser browser = new Browser(url)) {
                Wait.until(
                        () -> "the login is shown: " + browser.evaluate("document.body.innerText"),
                        SECONDS,
                        () -> browser.evaluate(LIGHT).asInt(0) > LETTERS);
                assertThat(browser.evaluate("location.search").asString()).isEmpty();

                int before = browser.evaluate(LIGHT).asInt();
                browser.type("somebody");
                Wait.until(
                        "what is typed is shown",
                        SECONDS,
                        () -> browser.evaluate(LIGHT).asInt() > before + LETTERS);

                browser.key("keyDown", "Control", "ControlLeft", 2);
                browser.key("keyDown", "Alt", "AltLeft", 3);
                browser.key("keyDown", "Delete", "Delete", 3);
                browser.key("keyUp", "Delete", "Delete", 3);
                browser.key("keyUp", "Alt", "AltLeft", 2);
                browser.key("keyUp", "Control", "ControlLeft", 0);
                Wait.until(
                        "Ctrl, Alt and Delete boot it again",
                        SECONDS,
                        () -> tenant.console("shows").split(BOOTING, -1).length == 3);
            }
            try (Browser again = new Browser(url)) {
                Wait.until(
                        "the URL opens nothing more",
                        SECONDS,
                        () ->
                                again.evaluate("document.body.innerText")
                                        .asString("")
                                        .contains("There is no console here"));
            }
        }
    }
}
