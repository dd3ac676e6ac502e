/** A private PostgreSQL, a region without nodes and a small HTTP client for tests of services. */
@org.jspecify.annotations.NullMarked
package dev.iod.control.testing;
