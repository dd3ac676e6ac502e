package dev.iod.network;

import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/**
 * A part of the intent that is brought to OVN at once, and by which the database tells what
 * changed: triggers on every table of intent notify {@link #CHANNEL} of the units a transaction is
 * about, with {@link #toString} as the payload.
 *
 * @param id of the network, router or group; {@link #REGION}'s is nil
 */
public record IntentUnit(Kind kind, UUID id) implements Comparable<IntentUnit> {
    /** The channel of PostgreSQL's notifications; an empty payload means that all may differ. */
    public static final String CHANNEL = "network_intent";

    /** What every region has, whatever its intent. */
    public static final IntentUnit REGION = new IntentUnit(Kind.REGION, new UUID(0, 0));

    private static final Comparator<IntentUnit> ORDER =
            Comparator.comparing(IntentUnit::kind).thenComparing(unit -> unit.id().toString());

    /** In the order in which new ones are made: ports join groups that are there. */
    public enum Kind {
        REGION,
        /** A security group with its rules. Who is in it is a matter of the ports' networks. */
        SECURITY_GROUP,
        /** A network with its subnets and ports, and the groups these are in. */
        NETWORK,
        /** A router with its interfaces. */
        ROUTER;

        private String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public static IntentUnit network(UUID id) {
        return new IntentUnit(Kind.NETWORK, id);
    }

    public static IntentUnit router(UUID id) {
        return new IntentUnit(Kind.ROUTER, id);
    }

    public static IntentUnit securityGroup(UUID id) {
        return new IntentUnit(Kind.SECURITY_GROUP, id);
    }

    /** The unit that {@link #toString} wrote; empty for any other text. */
    public static Optional<IntentUnit> parse(String text) {
        for (Kind kind : Kind.values()) {
            if (text.startsWith(kind.word() + " ")) {
                return Ids.parse(text.substring(kind.word().length() + 1))
                        .map(id -> new IntentUnit(kind, id));
            }
        }
        return Optional.empty();
    }

    @Override
    public int compareTo(IntentUnit other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return kind.word() + " " + id;
    }
}
