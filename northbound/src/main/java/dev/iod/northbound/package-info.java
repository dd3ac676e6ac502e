/**
 * OVN's northbound database, derived from the network service's intent.
 *
 * <p>{@code NorthboundPlan} turns a snapshot of the intent into the rows OVN shall have, unit by
 * unit, and is a pure function; {@code NorthboundIndex} knows the rows it has; {@code
 * NorthboundDiff} turns a unit's plan and its rows into the next transaction, and is a pure
 * function too; {@link dev.iod.northbound.NorthboundReconciler} runs them on one thread of its own,
 * {@code northbound}, for the units that are dirty.
 *
 * <p>Bounds: a transaction has about {@code NorthboundReconciler.TRANSACTION_LIMIT} operations, a
 * unit {@code PASSES_LIMIT} transactions in one go; {@code DirtyUnits.LIMIT} units are remembered,
 * more mean everything.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.northbound;
