/**
 * The block engine: shows volumes to guests as virtio-blk devices.
 *
 * <p><b>A request's way.</b> {@link dev.iod.block.Shard} polls its {@link
 * dev.iod.block.VirtioFront}s, which take requests from their rings ({@link
 * dev.iod.block.RequestParser}). The {@link dev.iod.block.Volume} behind a front holds them to
 * their limits ({@link dev.iod.block.Throttle}) and gives them to the {@link dev.iod.block.Backend}
 * of its {@link dev.iod.block.Location} by {@link dev.iod.block.Transfer}, which encrypts and moves
 * what is misaligned. The outcome comes back by {@link dev.iod.block.BlockIo#done}.
 *
 * <p><b>Threads.</b> One per shard owns everything of its volumes: no lock and no allocation per
 * request. Front ends are served beside it (see {@link dev.iod.vhost}); commands come by {@link
 * dev.iod.engine.ControlServer}'s threads and are carried out one at a time by {@link
 * dev.iod.block.BlockEngine}, which hands the shards what concerns them.
 *
 * <p><b>Bounds.</b> 1024 attached volumes, 16 queues each, 1024 requests per queue of at most 126
 * buffers; 64 bounce buffers of 128 KiB per shard, for which requests wait in line; 4096 names in a
 * pool; 8 agents.
 */
package dev.iod.block;
