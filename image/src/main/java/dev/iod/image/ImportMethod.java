package dev.iod.image;

import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;

/** From where the bytes of an import come. */
sealed interface ImportMethod {
    /** Glance's name of it. */
    String name();

    /** From what was staged before. */
    record GlanceDirect() implements ImportMethod {
        static final String NAME = "glance-direct";

        @Override
        public String name() {
            return NAME;
        }
    }

    /** From another server. */
    record WebDownload(URI uri) implements ImportMethod {
        static final String NAME = "web-download";

        @Override
        public String name() {
            return NAME;
        }
    }

    /**
     * Reads {@code method} of an import's body.
     *
     * @param enabled names of those that there are
     * @throws ApiException 400
     */
    static ImportMethod read(Fields body, List<String> enabled) {
        Fields method =
                body.optionalObject("method")
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Import request requires a 'method' field."));
        String name =
                method.optionalString("name", 255)
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Import request requires a 'name' field."));
        if (!enabled.contains(name)) {
            throw ApiException.badRequest(
                    name.equals(WebDownload.NAME)
                            ? "The import method 'web-download' is not available: this region"
                                    + " downloads from no host. Its operator can allow some, by the"
                                    + " setting image-download-hosts."
                            : "Unknown import method name '%s'.".formatted(name));
        }
        ImportMethod read =
                name.equals(GlanceDirect.NAME)
                        ? new GlanceDirect()
                        : new WebDownload(uri(method.optionalString("uri", 2048).orElse("")));
        method.end();
        return read;
    }

    private static URI uri(String text) {
        try {
            return new URI(text);
        } catch (URISyntaxException e) {
            throw ApiException.badRequest(
                    "URI for web-download does not pass filtering: %s is none (%s)"
                            .formatted(text, e.getReason()));
        }
    }
}
