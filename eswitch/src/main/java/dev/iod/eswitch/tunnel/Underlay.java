package dev.iod.eswitch.tunnel;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Where tunnels leave the node. */
public interface Underlay {
    /** The way to a tunnel's other end, or null while it is not resolved. Engine thread. */
    Geneve.@Nullable Route route(int address);

    /** The tunnels the present state uses, to be resolved before packets need them. */
    void want(Set<Integer> addresses);
}
