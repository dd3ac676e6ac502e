/**
 * Kernel and C-library interfaces through java.lang.foreign, and {@code Memory}, the one class that
 * touches raw addresses. Uses the JDK only.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.sys {
    requires static transitive org.jspecify;

    exports dev.iod.sys;
}
