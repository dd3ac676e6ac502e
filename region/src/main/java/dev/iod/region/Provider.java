package dev.iod.region;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * A node as something to take resources from: Placement's resource provider.
 *
 * @param number for clients that know nodes by number
 * @param name the node's
 * @param generation raised by every change of its inventories and allocations
 * @param up whether the node is at work, see {@link Nodes}
 * @param inventories what it offers; a class that is absent is not offered
 * @param used what is taken; absent is 0
 */
public record Provider(
        UUID id,
        long number,
        String name,
        long generation,
        boolean up,
        Map<ResourceClass, Inventory> inventories,
        Map<ResourceClass, Long> used) {
    /** Copies the maps. */
    public Provider {
        inventories = Map.copyOf(inventories);
        used = Map.copyOf(used);
    }

    /** Units it has, whoever may take them; 0 when it does not offer the class. */
    public long total(ResourceClass kind) {
        return inventory(kind).map(Inventory::total).orElse(0L);
    }

    /** Units that are taken. */
    public long used(ResourceClass kind) {
        return used.getOrDefault(kind, 0L);
    }

    /** Units that can still be taken; negative when it offers less than is taken of it. */
    public long free(ResourceClass kind) {
        return inventory(kind).map(Inventory::capacity).orElse(0L) - used(kind);
    }

    /** The first class of which one more consumer cannot have what it needs. */
    public Optional<ResourceClass> shortOf(Map<ResourceClass, Long> amounts) {
        for (ResourceClass kind : ResourceClass.values()) {
            long amount = amounts.getOrDefault(kind, 0L);
            if (amount > 0 && inventory(kind).filter(i -> i.admits(amount, used(kind))).isEmpty()) {
                return Optional.of(kind);
            }
        }
        return Optional.empty();
    }

    /** Whether a consumer that has {@code before} of a class can have {@code amount} instead. */
    boolean admits(ResourceClass kind, long amount, long before) {
        return inventory(kind).filter(i -> i.admits(amount, used(kind) - before)).isPresent();
    }

    /** The same with more taken. */
    public Provider with(Map<ResourceClass, Long> amounts) {
        Map<ResourceClass, Long> more = new EnumMap<>(ResourceClass.class);
        more.putAll(used);
        amounts.forEach((kind, amount) -> more.merge(kind, amount, Long::sum));
        return new Provider(id, number, name, generation, up, inventories, more);
    }

    private Optional<Inventory> inventory(ResourceClass kind) {
        return Optional.ofNullable(inventories.get(kind));
    }
}
