/**
 * Kernel and C-library interfaces through java.lang.foreign, and {@code Memory}, the one class that
 * touches raw addresses.
 */
package dev.iod.sys;
