package dev.iod.eswitch;

import dev.iod.engine.EngineException;
import dev.iod.eswitch.ports.Attachment;
import dev.iod.eswitch.ports.Port;
import dev.iod.eswitch.rules.PersistentMap;
import dev.iod.pipeline.Entity;
import dev.iod.sys.SysException;
import dev.iod.vhost.VhostException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Opens and closes ports so that they are the devices of the present state. A device that stays the
 * same keeps its port, whatever else changes. One that cannot be opened is tried again by {@link
 * #retry}. Guarded by the control lock.
 */
final class DeviceManager {
    private static final System.Logger LOG = System.getLogger(DeviceManager.class.getName());

    private final PortFactory factory;
    private final Map<Integer, Opened> opened = new HashMap<>();
    private final Map<Integer, Entity.Device> failed = new HashMap<>();
    private PersistentMap<Integer, Entity.Device> reconciled = PersistentMap.empty();

    /** Makes the port of a device; may throw when its peer is not there yet. */
    interface PortFactory {
        Port open(Entity.Device device);
    }

    private record Opened(Entity.Device device, Attachment attachment) {}

    /** What the engine thread has to do. */
    record Difference(List<Attachment> attach, List<Attachment> detach) {
        boolean isEmpty() {
            return attach.isEmpty() && detach.isEmpty();
        }
    }

    DeviceManager(PortFactory factory) {
        this.factory = factory;
    }

    Difference reconcile(PersistentMap<Integer, Entity.Device> wanted) {
        List<Attachment> detach = new ArrayList<>();
        List<Attachment> attach = new ArrayList<>();
        PersistentMap.difference(
                reconciled,
                wanted,
                id -> {
                    failed.remove(id);
                    Opened open = opened.remove(id);
                    if (open != null) {
                        detach.add(open.attachment());
                    }
                    Entity.Device device = wanted.get(id);
                    if (device != null) {
                        tryOpen(device, attach);
                    }
                });
        reconciled = wanted;
        return new Difference(attach, detach);
    }

    /** Tries what failed before. */
    Difference retry() {
        List<Attachment> attach = new ArrayList<>();
        for (Entity.Device device : List.copyOf(failed.values())) {
            tryOpen(device, attach);
        }
        return new Difference(attach, List.of());
    }

    private void tryOpen(Entity.Device device, List<Attachment> attach) {
        try {
            Attachment attachment = Attachment.of(device, factory.open(device));
            opened.put(device.id(), new Opened(device, attachment));
            failed.remove(device.id());
            attach.add(attachment);
        } catch (SysException | VhostException | EngineException e) {
            if (failed.put(device.id(), device) == null) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "device " + device.name() + " is not there yet: " + e.getMessage());
            }
        }
    }

    boolean hasFailed() {
        return !failed.isEmpty();
    }
}
