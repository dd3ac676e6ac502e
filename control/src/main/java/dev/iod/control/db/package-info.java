/**
 * The database: connections, transactions, migrations, audit and notifications.
 *
 * <p>PostgreSQL only. A transaction is serializable and is run again on a serialization failure, at
 * most {@link dev.iod.control.db.Database#MAX_ATTEMPTS} times. The pool has a fixed size; who waits
 * longer than its time limit gets 503.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.control.db;
