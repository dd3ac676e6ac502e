/** A small HTTP client, the real command line client, and tokens for tests of services. */
@org.jspecify.annotations.NullMarked
package dev.iod.rest.testing;
