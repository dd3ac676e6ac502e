package dev.iod.compute;

import dev.iod.image.Images;
import dev.iod.network.ServerPorts;
import dev.iod.region.NodeSessions;
import dev.iod.region.Projects;
import dev.iod.store.Database;

/** What the compute service is made of and needs of the others. */
record Parts(
        Database database,
        Images images,
        ServerPorts ports,
        NodeSessions sessions,
        Projects projects) {}
