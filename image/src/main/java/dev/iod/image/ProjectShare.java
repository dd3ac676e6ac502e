package dev.iod.image;

import java.util.HashMap;
import java.util.Map;

/** At most so many of a project at a time, and so many of all. Thread-safe. */
final class ProjectShare {
    private final int ofProject;
    private final int ofAll;
    private final Map<String, Integer> inside = new HashMap<>();
    private int all;

    ProjectShare(int ofProject, int ofAll) {
        this.ofProject = ofProject;
        this.ofAll = ofAll;
    }

    /** One more, to {@link #leave}; false when there are enough. */
    synchronized boolean enter(String project) {
        if (all == ofAll || inside.getOrDefault(project, 0) == ofProject) {
            return false;
        }
        all++;
        inside.merge(project, 1, Integer::sum);
        return true;
    }

    synchronized void leave(String project) {
        all--;
        inside.computeIfPresent(project, (_, count) -> count == 1 ? null : count - 1);
    }
}
