package dev.iod.control.compute;

import dev.iod.control.db.Database;
import dev.iod.control.image.Images;
import dev.iod.control.network.ServerPorts;
import dev.iod.control.node.NodeSessions;

/** What the compute service is made of and needs of the others. */
record Parts(Database database, Images images, ServerPorts ports, NodeSessions sessions) {}
