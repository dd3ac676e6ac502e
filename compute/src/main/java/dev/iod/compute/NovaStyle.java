package dev.iod.compute;

import dev.iod.region.Collection;
import dev.iod.rest.Request;
import dev.iod.rest.View;
import dev.iod.store.Table;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.databind.node.ObjectNode;

/** Nova's answers: a list says where it goes on, and nothing at its end. */
final class NovaStyle implements Collection.Style {
    /** Starts to describe a collection, see {@link Collection#of}. */
    static <T extends Record> Collection.Builder<T> collection(
            Parts parts,
            Table<T> table,
            String singular,
            String parameter,
            Function<T, String> key) {
        return Collection.of(parts.database(), new NovaStyle(), table, singular, parameter, key);
    }

    @Override
    public View.Scope scope(Request request) {
        return Scopes.of(request);
    }

    @Override
    public void links(ObjectNode root, String plural, Request request, Optional<String> next) {
        next.ifPresent(
                href ->
                        root.putArray(plural + "_links")
                                .addObject()
                                .put("rel", "next")
                                .put("href", href));
    }
}
