package dev.iod.eswitch.forward;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.caches.FlowKey;
import dev.iod.eswitch.caches.FlowRecorder;
import dev.iod.eswitch.caches.PathCache;
import dev.iod.eswitch.caches.PathNode;
import dev.iod.eswitch.caches.PathRecorder;
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
    private final FlowRecorder recorder;
    private final Steps steps;
    private final Counters counters;

    PathFollower(PathCache cache, FlowRecorder recorder, Steps steps, Counters counters) {
        this.cache = cache;
        this.recorder = recorder;
        this.steps = steps;
        this.counters = counters;
    }

    /**
     * Does all steps that are known.
     *
     * @param version number of the state, which grows with every state
     * @return whether the path was known to its end
     */
    boolean follow(Packet p, FlowKey flow, PipelineState state, long version) {
        PathRecorder path = recorder.path;
        long[] key = path.key;
        System.arraycopy(flow.words, 0, key, 0, FlowKey.WORDS);
        PathNode node = cache.root(key[FlowKey.INGRESS]);
        while (true) {
            PathSegment segment = node.find(key);
            if (segment != null && !segment.current(state, version)) {
                counters.add(Counter.PATHS_FORGOTTEN);
                cache.forget(key[FlowKey.INGRESS]);
                node = cache.root(key[FlowKey.INGRESS]);
                segment = null;
                if (steps.done() > 0) {
                    path.idle();
                    return false;
                }
            }
            if (segment == null || p.ipLength() > segment.maxIpLength) {
                path.start(node, steps.done(), version);
                return false;
            }
            recorder.follows(segment);
            if (!takes(p, segment)) {
                path.idle();
                return false;
            }
            PathNode next = segment.next;
            if (next == null) {
                return true;
            }
            path.found(p);
            node = next;
        }
    }

    private boolean takes(Packet p, PathSegment segment) {
        PathStep[] all = segment.steps;
        for (int i = 0; i < all.length; i++) {
            boolean last = segment.next == null && i == all.length - 1;
            if (!steps.follow(p, all[i], last)) {
                return false;
            }
        }
        return true;
    }
}
