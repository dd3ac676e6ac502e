/** Tests of the block storage service over a private PostgreSQL, with nodes that are fakes. */
@org.jspecify.annotations.NullMarked
package dev.iod.volume;
