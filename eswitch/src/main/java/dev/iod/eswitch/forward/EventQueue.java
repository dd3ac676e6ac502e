package dev.iod.eswitch.forward;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.connections.Budget;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.EngineEvent;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * Events on their way from the engine thread to agents. Bounded; what does not fit is counted.
 * Repetitions are left out for a while.
 */
public final class EventQueue {
    private static final int CAPACITY = 1024;

    /** Room that neighbours leave to other events. */
    private static final int RESERVED = 128;

    private static final int MAX_REMEMBERED = 4096;
    private static final long NEIGHBOR_MILLIS = 1000;
    private static final long UNSUPPORTED_MILLIS = 60_000;

    private final BlockingQueue<EngineEvent> queue = new ArrayBlockingQueue<>(CAPACITY);
    private final Counters counters;
    private final Map<EngineEvent, Long> recent = new Recent();

    /** Oldest first out. */
    private static final class Recent extends LinkedHashMap<EngineEvent, Long> {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<EngineEvent, Long> eldest) {
            return size() > MAX_REMEMBERED;
        }
    }

    public EventQueue(Counters counters) {
        this.counters = counters;
    }

    /**
     * @param budget of the one whose packet told of the neighbour
     */
    public void neighbor(long port, Bits ip, long mac, long nowMillis, Budget budget) {
        EngineEvent event = new EngineEvent.NeighborLearned(port, ip, mac);
        if (!isNews(event, NEIGHBOR_MILLIS, nowMillis)) {
            return;
        }
        if (!budget.take(nowMillis)) {
            counters.add(Counter.NEIGHBORS_LIMITED);
            return;
        }
        remember(event, nowMillis);
        if (queue.remainingCapacity() > RESERVED) {
            counters.add(Counter.NEIGHBORS_REPORTED);
            offer(event);
        } else {
            counters.add(Counter.EVENTS_LOST);
        }
    }

    void unsupported(String cookie, String what, long nowMillis) {
        EngineEvent event = new EngineEvent.UnsupportedHit(cookie, what);
        if (isNews(event, UNSUPPORTED_MILLIS, nowMillis)) {
            remember(event, nowMillis);
            offer(event);
        }
    }

    public void device(int device, boolean up) {
        offer(new EngineEvent.DeviceState(device, up));
    }

    private boolean isNews(EngineEvent event, long quietMillis, long nowMillis) {
        Long last = recent.get(event);
        return last == null || nowMillis - last >= quietMillis;
    }

    private void remember(EngineEvent event, long nowMillis) {
        recent.remove(event);
        recent.put(event, nowMillis);
    }

    private void offer(EngineEvent event) {
        if (!queue.offer(event)) {
            counters.add(Counter.EVENTS_LOST);
        }
    }

    /** Waits for the next event; any thread. */
    public EngineEvent take() throws InterruptedException {
        return queue.take();
    }
}
