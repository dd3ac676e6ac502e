/** OVN's own databases for tests. */
@org.jspecify.annotations.NullMarked
package dev.iod.northbound.testing;
