-- Root disks are claimed as vCPUs and memory are.
ALTER TABLE node
    ADD COLUMN disk_mib bigint NOT NULL DEFAULT 0;

ALTER TABLE compute_node
    ADD COLUMN claimed_disk_mib bigint NOT NULL DEFAULT 0 CHECK (claimed_disk_mib >= 0);

-- As RootDisks counts: what the flavor says, or the image's size when it says 0.
UPDATE compute_node c
SET claimed_disk_mib = (
    SELECT coalesce(sum(CASE WHEN disk_gib > 0 THEN disk_gib * 1024::bigint
                             ELSE (coalesce(root_size_bytes, 0) + 1048575) / 1048576 END), 0)
    FROM server
    WHERE node = c.name);
