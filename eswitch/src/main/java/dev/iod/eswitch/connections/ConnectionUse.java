package dev.iod.eswitch.connections;

import org.jspecify.annotations.Nullable;

/**
 * A connection that packets of a cached flow belong to, as it was when the flow was recorded. A
 * list: a flow may cross several zones.
 *
 * @param row of the {@link ConnectionTable}
 * @param reply whether the packets travel against the initiator
 * @param stamp the row's, which changes with all that the flow relies on
 * @param next the flow's next connection
 */
public record ConnectionUse(int row, boolean reply, int stamp, @Nullable ConnectionUse next) {}
