/** A region without nodes for tests of services with real tokens. */
@org.jspecify.annotations.NullMarked
package dev.iod.identity.testing;
