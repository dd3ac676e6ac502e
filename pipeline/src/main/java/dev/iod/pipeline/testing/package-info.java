/** Sample rows, for tests of this and other modules. Immutable, except for the arrays in them. */
package dev.iod.pipeline.testing;
