package dev.iod.region;

import org.jdbi.v3.core.Handle;

/** What other services ask the identity service about projects. */
@FunctionalInterface
public interface Projects {
    /** Whether there is a project of that id, enabled or not. */
    boolean exists(Handle handle, String id);
}
