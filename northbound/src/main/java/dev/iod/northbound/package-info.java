/**
 * OVN's northbound database, derived from the network service's intent.
 *
 * <p>{@code NorthboundPlan} turns a snapshot of the intent into the rows OVN shall have, and is a
 * pure function; {@code NorthboundDiff} turns plan and replica into the next transaction, and is
 * one too; {@link dev.iod.northbound.NorthboundReconciler} runs them on one thread of its own,
 * {@code northbound}, until nothing differs.
 *
 * <p>Bounds: a transaction has about {@code NorthboundReconciler.TRANSACTION_LIMIT} operations, a
 * round {@code PASSES_LIMIT} transactions.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.northbound;
