/** A network service for tests of what follows its intent. */
@org.jspecify.annotations.NullMarked
package dev.iod.network.testing;
