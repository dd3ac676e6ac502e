package dev.iod.rest;

/** An answer and what the budget was charged for it, until it is written. */
record Exchange(Response response, ByteBudget.Reservation reservation) implements AutoCloseable {
    @Override
    public void close() {
        reservation.close();
    }
}
