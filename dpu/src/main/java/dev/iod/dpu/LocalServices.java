package dev.iod.dpu;

import dev.iod.ovn.LocalService;
import java.util.Optional;

/** The node's place in the virtual network, as the metadata service needs it. */
interface LocalServices {
    /** Connects a network's local port to a TUN interface in a namespace. Can be repeated. */
    void provide(LocalService service, Namespaces.Place place);

    /** Takes the connection away. */
    void withdraw(LocalService service);

    /** The logical port with these tunnel keys, when its network has a port here. */
    Optional<String> portName(int datapathKey, int portKey);
}
