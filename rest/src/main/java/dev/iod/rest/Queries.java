package dev.iod.rest;

import java.util.List;
import java.util.Set;

/**
 * The query parameters that a collection knows. Others are ignored in old microversions and refused
 * since a newer one.
 *
 * @param strictSince minor number of the first version that refuses others
 */
public record Queries(int strictSince, Set<String> names) {
    /** Any parameter, in every version. */
    public static final Queries ANY = new Queries(Integer.MAX_VALUE, Set.of());

    /** Copies. */
    public Queries {
        names = Set.copyOf(names);
    }

    /**
     * @throws ApiException 400 for a parameter that is not known, in a version that refuses it
     */
    public void check(Request request) {
        if (request.microversion().minor() < strictSince) {
            return;
        }
        List<String> unknown =
                request.query().names().stream()
                        .filter(name -> !names.contains(name))
                        .map(name -> "'" + name + "'")
                        .toList();
        if (!unknown.isEmpty()) {
            throw ApiException.badRequest(
                    "Additional properties are not allowed (%s %s unexpected)"
                            .formatted(
                                    String.join(", ", unknown),
                                    unknown.size() == 1 ? "was" : "were"));
        }
    }
}
