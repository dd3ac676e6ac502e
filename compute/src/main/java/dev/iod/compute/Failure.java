package dev.iod.compute;

/**
 * Why something did not succeed.
 *
 * @param message for the server's owner: names nothing of a node
 * @param details for administrators, as the node said it; may be empty
 */
record Failure(String message, String details) {
    /** All that is known, for administrators. */
    String whole() {
        return details.isEmpty() ? message : details;
    }
}
