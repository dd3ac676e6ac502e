/**
 * Kernel and C-library interfaces through java.lang.foreign, and {@code Memory}, the one class that
 * touches raw addresses.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.sys {
    requires static transitive org.jspecify;
}
