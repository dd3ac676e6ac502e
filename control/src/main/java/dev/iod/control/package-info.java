/**
 * The region's process: its settings and keys, and {@code Main}, which wires the services together.
 */
package dev.iod.control;
