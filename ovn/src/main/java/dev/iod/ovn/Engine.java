package dev.iod.ovn;

import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.EntityKey;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** The packet engine as the chassis needs it. */
@FunctionalInterface
public interface Engine {
    /**
     * Applies a change whole or not at all. Completes when packets are handled by the new state;
     * fails when nothing was applied or the connection was lost meanwhile.
     */
    CompletionStage<Void> commit(Change change);

    /**
     * @param replace the rows put are the whole new state; there is nothing to remove then
     */
    record Change(boolean replace, List<Entity> put, List<EntityKey> remove) {}

    /** The engine behind a control socket. */
    static Engine over(EngineClient client) {
        return change -> {
            EngineClient.Transaction transaction =
                    change.replace() ? client.replacement() : client.transaction();
            change.remove().forEach(transaction::remove);
            change.put().forEach(transaction::put);
            return transaction.commit();
        };
    }
}
