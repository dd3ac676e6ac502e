/**
 * What {@code ./iod} runs: lays out the run directory, starts and supervises the processes of a
 * region on one machine, shows their state, explains a packet's path, and plays the demo. Uses only
 * public interfaces of the region (its HTTP API, its configuration files, the engines' control
 * sockets and pools); no other module depends on it.
 */
@org.jspecify.annotations.NullMarked
module dev.iod.cli {
    requires static transitive org.jspecify;
    requires dev.iod.block;
    requires dev.iod.pipeline;
    requires info.picocli;
    requires java.net.http;
    requires tools.jackson.databind;

    opens dev.iod.cli to
            info.picocli,
            tools.jackson.databind;
}
