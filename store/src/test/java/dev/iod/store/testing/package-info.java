/** A private PostgreSQL for tests. */
@org.jspecify.annotations.NullMarked
package dev.iod.store.testing;
