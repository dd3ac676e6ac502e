/** What ./iod runs: builds run directories, supervises, shows status, runs the demo. */
@org.jspecify.annotations.NullMarked
module dev.iod.cli {
    requires static transitive org.jspecify;
    requires dev.iod.runtime;
}
