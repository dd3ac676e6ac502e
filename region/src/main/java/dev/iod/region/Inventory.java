package dev.iod.region;

/**
 * What a provider offers of one resource class, as in Placement.
 *
 * @param total units of the class, 1 or more
 * @param reserved of these, not for consumers; at most {@code total}
 * @param minUnit least that one consumer may take, 1 or more
 * @param maxUnit most that one consumer may take
 * @param stepSize what one consumer takes is a multiple of this
 * @param allocationRatio how much may be taken of each unit that is not reserved; above 0
 */
public record Inventory(
        long total,
        long reserved,
        long minUnit,
        long maxUnit,
        long stepSize,
        double allocationRatio) {
    /** What all consumers together may take. */
    public long capacity() {
        return (long) ((total - reserved) * allocationRatio);
    }

    /** Whether one consumer may take this amount where {@code used} is taken already. */
    boolean admits(long amount, long used) {
        return amount >= minUnit
                && amount <= maxUnit
                && amount % stepSize == 0
                && used + amount <= capacity();
    }
}
