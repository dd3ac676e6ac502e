package dev.iod.compute;

import dev.iod.console.ConsoleServers;
import dev.iod.console.Consoles;
import dev.iod.image.CaptureWatcher;
import dev.iod.image.Images;
import dev.iod.network.ServerPorts;
import dev.iod.network.ServerWatcher;
import dev.iod.region.NodeSessions;
import dev.iod.region.Projects;
import dev.iod.region.Service;
import dev.iod.rest.Route;
import dev.iod.store.Database;
import java.util.List;
import java.util.stream.Stream;

/** The compute service: its API, its part of nodes' goals and what it does with their reports. */
public final class Compute {
    private final Parts parts;
    private final Consoles consoles;

    /**
     * @param sessions for console output
     * @param projects whose quotas there are
     * @param consoles gives out what opens them
     */
    public Compute(
            Database database,
            Images images,
            ServerPorts ports,
            NodeSessions sessions,
            Projects projects,
            Consoles consoles) {
        this.consoles = consoles;
        this.parts = new Parts(database, images, ports, sessions, projects);
    }

    /** Tells the nodes of servers when the network API changes what these have. */
    public static ServerWatcher portWatcher() {
        return ServerChanges::tellNodes;
    }

    /** Tells servers how it goes on with the images that are made of them. */
    public static CaptureWatcher captureWatcher() {
        return new ServerImages.Watcher();
    }

    /** Where servers are, for their consoles. */
    public static ConsoleServers consoleServers() {
        return (handle, id) -> ServerStore.find(handle, id).flatMap(Server::node);
    }

    /** {@code /compute}. */
    public Service service() {
        ServerChanges changes = new ServerChanges(parts);
        ServerPlacement placement =
                new ServerPlacement(parts.images(), parts.ports(), parts.sessions());
        RemoteConsoleApi remoteConsoles = new RemoteConsoleApi(parts, consoles);
        List<Route> routes =
                Stream.of(
                                VersionsApi.routes(),
                                new ServerApi(parts, new ServerCreation(parts, placement), changes)
                                        .routes(),
                                new ServerActionApi(parts, changes, remoteConsoles).routes(),
                                remoteConsoles.routes(),
                                new ServerMetadataApi(parts, changes).routes(),
                                new VolumeAttachmentApi(parts, changes).routes(),
                                new InterfaceApi(parts, changes).routes(),
                                new ServerSecurityGroups(parts).routes(),
                                new InstanceActionApi(parts).routes(),
                                new FlavorApi(parts).routes(),
                                new KeypairApi(parts, new KeyGenerator(OpenSshKeys::generate))
                                        .routes(),
                                new ServerGroupApi(parts).routes(),
                                new HypervisorApi(parts).routes(),
                                new ComputeServiceApi(parts).routes(),
                                new QuotaApi(parts).routes())
                        .flatMap(List::stream)
                        .toList();
        return Service.listed(
                        "compute",
                        "nova",
                        Scopes.PREFIX,
                        VersionsApi.VERSION_PATH,
                        new ComputeDialect(),
                        routes)
                .microversions(VersionsApi.MICROVERSIONS)
                .migrations("db/compute")
                .quotas(ComputeQuotas.own())
                .nodes(
                        new ComputeGoals(parts.ports()),
                        new ComputeObservations(parts.images(), parts.ports(), placement))
                .build();
    }
}
