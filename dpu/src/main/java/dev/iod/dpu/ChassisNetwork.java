package dev.iod.dpu;

import dev.iod.ovn.Chassis;
import dev.iod.ovn.LocalService;
import dev.iod.pipeline.Entity;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The OVN chassis and, behind it, the packet engine. */
final class ChassisNetwork implements Network, LocalServices {
    private final Chassis chassis;
    private final DeviceIds ids;
    private final Map<String, Interface> plugged = new ConcurrentHashMap<>();

    ChassisNetwork(Chassis chassis, DeviceIds ids) {
        this.chassis = chassis;
        this.ids = ids;
    }

    @Override
    public void plug(Interface wanted) {
        if (wanted.equals(plugged.get(wanted.port()))) {
            return;
        }
        chassis.plug(
                wanted.port(),
                new Entity.Device(
                        ids.of(wanted.port()),
                        wanted.port(),
                        new Entity.Kind.VhostUser(wanted.socket().toString(), mac(wanted.mac())),
                        wanted.mtuBytes()));
        plugged.put(wanted.port(), wanted);
    }

    @Override
    public void unplug(String port) {
        chassis.unplug(port);
        plugged.remove(port);
        ids.release(port);
    }

    @Override
    public Set<String> plugged() {
        return Set.copyOf(plugged.keySet());
    }

    @Override
    public boolean live(String port) {
        return chassis.port(port).filter(Chassis.PortStatus::ready).isPresent();
    }

    @Override
    public void provide(LocalService service, Namespaces.Place place) {
        chassis.provide(
                service.port(),
                new Entity.Device(
                        ids.of(service.port()),
                        service.port(),
                        new Entity.Kind.Service(
                                place.namespace(), place.interfaceName(), mac(service.mac())),
                        Namespaces.MTU_BYTES));
    }

    @Override
    public void withdraw(LocalService service) {
        chassis.withdraw(service.port());
        ids.release(service.port());
    }

    @Override
    public void allPlugged() {
        chassis.portsKnown();
    }

    @Override
    public Optional<String> portName(int datapathKey, int portKey) {
        return chassis.portName(datapathKey, portKey);
    }

    /** The 48 bits of {@code aa:bb:cc:dd:ee:ff}. */
    static long mac(String text) {
        String digits = text.replace(":", "");
        if (digits.length() != 12) {
            throw new DpuException(DpuException.Category.GOAL, "not an Ethernet address: " + text);
        }
        try {
            return Long.parseLong(digits, 16);
        } catch (NumberFormatException e) {
            throw new DpuException(
                    DpuException.Category.GOAL, "not an Ethernet address: " + text, e);
        }
    }
}
