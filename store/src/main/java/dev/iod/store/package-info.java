/**
 * The database: connections, transactions, migrations, lists and notifications.
 *
 * <p>PostgreSQL only. A transaction is serializable and is run again on a serialization failure, at
 * most {@link dev.iod.store.Database#MAX_ATTEMPTS} times. The pool has a fixed size; who waits
 * longer than its time limit gets a {@link dev.iod.store.StoreException}.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.store;
