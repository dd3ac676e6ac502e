package dev.iod.rest;

/** Answers a request; throws {@link ApiException} for everything that is not a success. */
@FunctionalInterface
public interface Handler {
    /** Runs on the request's own virtual thread and may block. */
    Response handle(Request request);
}
