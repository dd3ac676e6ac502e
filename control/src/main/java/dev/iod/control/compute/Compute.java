package dev.iod.control.compute;

import dev.iod.control.db.Database;
import dev.iod.control.http.Api;
import dev.iod.control.http.ErrorFormat;
import dev.iod.control.http.Route;
import dev.iod.control.image.Images;
import dev.iod.control.network.ServerPorts;
import dev.iod.control.network.ServerWatcher;
import dev.iod.control.node.GoalSource;
import dev.iod.control.node.NodeSessions;
import dev.iod.control.node.ObservationSink;
import java.util.List;
import java.util.stream.Stream;

/** The compute service: its API, the goals of nodes and the sink of what they report. */
public final class Compute {
    private final Parts parts;

    /**
     * @param sessions for console output
     */
    public Compute(Database database, Images images, ServerPorts ports, NodeSessions sessions) {
        this.parts = new Parts(database, images, ports, sessions);
    }

    /** What nodes shall run. Needs no sessions. */
    public static GoalSource goals(ServerPorts ports) {
        return new ComputeGoals(ports);
    }

    /** Where nodes' reports go. Needs no sessions. */
    public static ObservationSink observations(Database database, ServerPorts ports) {
        return new ComputeObservations(database, ports);
    }

    /** Tells a server's node when the network API changes the server's ports. */
    public static ServerWatcher portWatcher() {
        return (handle, serverId) ->
                ServerStore.find(handle, serverId)
                        .ifPresent(server -> new ServerChanges.Edit(handle, server).tellNode());
    }

    /** {@code /compute}. */
    public Api api() {
        ServerChanges changes = new ServerChanges(parts);
        List<Route> routes =
                Stream.of(
                                VersionsApi.routes(),
                                new ServerApi(parts, new ServerCreation(parts), changes).routes(),
                                new ServerActionApi(parts, changes).routes(),
                                new ServerMetadataApi(parts, changes).routes(),
                                new InstanceActionApi(parts).routes(),
                                new FlavorApi(parts).routes(),
                                new KeypairApi(parts).routes(),
                                new ServerGroupApi(parts).routes(),
                                new NodeApi(parts).routes(),
                                new ServiceApi(parts).routes(),
                                new QuotaApi(parts).routes())
                        .flatMap(List::stream)
                        .toList();
        return new Api(Scopes.PREFIX, ErrorFormat.COMPUTE, VersionsApi.MICROVERSIONS, routes);
    }
}
