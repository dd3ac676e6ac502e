package dev.iod.bench;

import java.util.ArrayDeque;
import java.util.Deque;

/** What must be undone, latest first, whichever way the bench ends; any thread. */
final class Cleanup implements AutoCloseable {
    private record Step(String what, Runnable undo) {}

    private final Deque<Step> steps = new ArrayDeque<>();
    private boolean ended;

    /** Also runs when the process is told to end. */
    @SuppressWarnings("this-escape") // the hook runs when the process ends
    Cleanup() {
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "cleanup"));
    }

    /** When the process is ending already the step is undone at once. */
    synchronized void add(String what, Runnable undo) {
        if (ended) {
            undo.run();
            throw new BenchException("the bench is ending");
        }
        steps.push(new Step(what, undo));
    }

    /** Undoes everything; a step that fails is told and the others go on. */
    @Override
    public synchronized void close() {
        ended = true;
        while (!steps.isEmpty()) {
            Step step = steps.pop();
            try {
                step.undo.run();
            } catch (RuntimeException e) {
                System.err.println("iod: cannot undo " + step.what + ": " + e.getMessage());
            }
        }
    }
}
