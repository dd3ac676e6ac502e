/** Tests of the compute service: pure functions, and the API over a real PostgreSQL. */
@org.jspecify.annotations.NullMarked
package dev.iod.compute;
