package dev.iod.rest;

import java.util.Optional;

/**
 * The microversions a service speaks and the headers they are asked for with.
 *
 * @param service the name in {@code OpenStack-API-Version: NAME 2.61}; empty for a service without
 *     microversions
 * @param legacyHeader the service's older header, such as {@code X-OpenStack-Nova-API-Version}
 */
public record Microversions(
        String service, String legacyHeader, Microversion min, Microversion max) {
    /** For services without microversions. */
    public static final Microversions NONE =
            new Microversions("", "", new Microversion(1, 0), new Microversion(1, 0));

    private static final String HEADER = "OpenStack-API-Version";

    /**
     * What a request asks for; the minimum when it asks for nothing (api-wg microversion
     * specification).
     *
     * @throws ApiException 400 for a malformed version, 406 for one out of range
     */
    Microversion requested(Headers headers) {
        Optional<String> asked = asked(headers);
        if (service.isEmpty() || asked.isEmpty()) {
            return min;
        }
        if (asked.get().equalsIgnoreCase("latest")) {
            return max;
        }
        Microversion version = Microversion.parse(asked.get());
        if (version.compareTo(min) < 0 || version.compareTo(max) > 0) {
            throw new ApiException(
                    Fault.NOT_ACCEPTABLE,
                    "Version %s is not supported by the API. Minimum is %s and maximum is %s."
                            .formatted(version, min, max));
        }
        return version;
    }

    Response decorate(Response response, Microversion version) {
        if (service.isEmpty()) {
            return response;
        }
        return response.header(HEADER, service + " " + version)
                .header(legacyHeader, version.toString())
                .header("Vary", HEADER + ", " + legacyHeader);
    }

    private Optional<String> asked(Headers headers) {
        // One header may name several services: "compute 2.61, volume 3.70".
        for (String part : headers.first(HEADER).orElse("").split(",", 16)) {
            String[] words = part.strip().split("\\s+", 2);
            if (words.length == 2 && words[0].equalsIgnoreCase(service)) {
                return Optional.of(words[1]);
            }
        }
        return headers.first(legacyHeader);
    }

    /** The request headers this needs. */
    @FunctionalInterface
    interface Headers {
        Optional<String> first(String name);
    }
}
