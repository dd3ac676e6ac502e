/**
 * The image service and the bytes of images. Uses region, the node contract for what nodes send of
 * their disks, runtime for files that appear whole, and sys for files with holes.
 */
@org.jspecify.annotations.NullMarked
// The package of the migrations holds no classes, and Flyway finds them only if it is open.
@SuppressWarnings("opens")
module dev.iod.image {
    requires static transitive org.jspecify;
    requires transitive dev.iod.node;
    requires transitive dev.iod.region;
    requires dev.iod.runtime;
    requires dev.iod.sys;

    exports dev.iod.image;

    opens db.image;
}
