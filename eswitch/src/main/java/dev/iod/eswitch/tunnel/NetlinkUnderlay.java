package dev.iod.eswitch.tunnel;

import dev.iod.eswitch.base.Clock;
import dev.iod.eswitch.base.LongMap;
import dev.iod.sys.EventFd;
import dev.iod.sys.Linux;
import dev.iod.sys.RtNetlink;
import dev.iod.sys.SysException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Next hops of tunnels from the kernel's routing and neighbour tables. A thread of its own asks the
 * kernel: at once when a tunnel is wanted or the kernel reports a change, every second while one is
 * not resolved, and every half minute so that the kernel confirms neighbours whose traffic it does
 * not see. Bounded by the number of tunnels the agent configures.
 */
public final class NetlinkUnderlay implements Underlay, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(NetlinkUnderlay.class.getName());
    private static final int CONFIRM_MILLIS = 30_000;
    private static final int RETRY_MILLIS = 1000;

    private final String interfaceName;
    private final int localAddress;
    private final EventFd wake = EventFd.create();
    private final Thread thread;

    /** Replaced whole, never changed: the engine thread reads it without a lock. */
    private volatile LongMap<Geneve.Route> routes = new LongMap<>();

    private volatile Set<Integer> wanted = Set.of();
    private volatile boolean stopped;

    public NetlinkUnderlay(String interfaceName, int localAddress) {
        this.interfaceName = interfaceName;
        this.localAddress = localAddress;
        this.thread = Thread.ofPlatform().daemon().name("underlay").unstarted(this::run);
    }

    public void start() {
        thread.start();
    }

    @Override
    public Geneve.@Nullable Route route(int address) {
        return routes.get(address);
    }

    @Override
    public void want(Set<Integer> addresses) {
        wanted = Set.copyOf(addresses);
        wake.signal();
    }

    private void run() {
        try (RtNetlink netlink = RtNetlink.open();
                RtNetlink.Monitor monitor = RtNetlink.Monitor.open()) {
            int[] descriptors = {wake.fd(), monitor.fd()};
            long nextConfirm = 0;
            while (!stopped) {
                wake.drain();
                monitor.drain();
                long now = Clock.nowMillis();
                boolean confirm = now >= nextConfirm;
                if (confirm) {
                    nextConfirm = now + CONFIRM_MILLIS;
                }
                boolean complete = refresh(netlink, confirm);
                Linux.pollReadable(descriptors, complete ? CONFIRM_MILLIS : RETRY_MILLIS);
            }
        }
    }

    /** Returns whether every wanted tunnel has a route. */
    private boolean refresh(RtNetlink netlink, boolean confirm) {
        LongMap<Geneve.Route> found = new LongMap<>();
        boolean complete = true;
        Set<Integer> addresses = wanted;
        try {
            Optional<RtNetlink.Link> link = netlink.link(interfaceName);
            if (link.isPresent()) {
                for (int address : addresses) {
                    Optional<Geneve.Route> route = resolve(netlink, link.get(), address, confirm);
                    route.ifPresent(known -> found.put(address, known));
                    complete &= route.isPresent();
                }
            }
        } catch (SysException e) {
            LOG.log(System.Logger.Level.WARNING, "asking the kernel for routes", e);
            return false;
        }
        routes = found;
        return complete;
    }

    private Optional<Geneve.Route> resolve(
            RtNetlink netlink, RtNetlink.Link link, int address, boolean confirm) {
        Optional<RtNetlink.Route> route = netlink.route(address);
        if (route.isEmpty() || route.get().interfaceIndex() != link.index()) {
            return Optional.empty();
        }
        int gateway = route.get().gateway();
        Optional<Long> mac = netlink.neighbor(link.index(), gateway);
        if (mac.isEmpty() || confirm) {
            netlink.resolve(link.index(), gateway);
        }
        return mac.map(next -> new Geneve.Route(link.mac(), next, localAddress, address));
    }

    @Override
    public void close() {
        stopped = true;
        wake.signal();
    }
}
