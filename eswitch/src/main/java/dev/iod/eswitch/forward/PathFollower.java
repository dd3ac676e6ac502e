package dev.iod.eswitch.forward;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.caches.FlowKey;
import dev.iod.eswitch.caches.PathCache;
import dev.iod.eswitch.caches.PathNode;
import dev.iod.eswitch.caches.PathSegment;
import dev.iod.eswitch.caches.PathStep;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.rules.PipelineState;
import dev.iod.pipeline.Counter;

/**
 * Takes a packet along what is known of its path. Where that ends, recording begins, and the
 * pipeline has to find the rest. Engine thread only.
 */
final class PathFollower {
    private final PathCache cache;
    private final Recording recording;
    private final Counters counters;

    PathFollower(PathCache cache, Recording recording, Counters counters) {
        this.cache = cache;
        this.recording = recording;
        this.counters = counters;
    }

    /**
     * Takes all steps that are known.
     *
     * @param version number of the state, which grows with every state
     * @return whether the path was known to its end
     */
    boolean follow(Packet p, FlowKey flow, PipelineState state, long version) {
        long[] key = recording.key;
        System.arraycopy(flow.words, 0, key, 0, FlowKey.WORDS);
        PathNode node = cache.root(key[FlowKey.INGRESS]);
        while (true) {
            PathSegment segment = node.find(key);
            if (segment != null && !segment.current(state, version)) {
                counters.add(Counter.PATHS_FORGOTTEN);
                cache.forget(key[FlowKey.INGRESS]);
                node = cache.root(key[FlowKey.INGRESS]);
                segment = null;
                if (recording.taken() > 0) {
                    return false;
                }
            }
            if (segment == null || p.ipLength() > segment.maxIpLength) {
                recording.pathFrom(node);
                return false;
            }
            recording.crosses(segment);
            if (!cross(p, segment)) {
                return false;
            }
            PathNode next = segment.next;
            if (next == null) {
                return true;
            }
            recording.found(p);
            node = next;
        }
    }

    private boolean cross(Packet p, PathSegment segment) {
        PathStep[] all = segment.steps;
        for (int i = 0; i < all.length; i++) {
            boolean last = segment.next == null && i == all.length - 1;
            if (!recording.take(p, all[i], last)) {
                return false;
            }
        }
        return true;
    }
}
