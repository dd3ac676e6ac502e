-- What a server's root disk starts as, copied from its image; null: zeros, or the server has no disk.
ALTER TABLE server
    ADD COLUMN root_sha256     text,
    ADD COLUMN root_size_bytes bigint;

-- The one flavor of a new region with a disk.
INSERT INTO flavor (id, name, memory_mib, vcpus, disk_gib, ephemeral_gib, swap_mib, rxtx_factor,
                    shared, properties)
VALUES ('d1', 'd1.micro', 256, 1, 1, 0, 0, 1, true, '{}');
