-- Claims of servers become allocations of the region's inventory.

-- Clients know nodes by these ids and numbers.
ALTER TABLE resource_provider DROP CONSTRAINT resource_provider_number;
UPDATE resource_provider p
SET id = c.id, number = c.number
FROM compute_node c
WHERE c.name = p.name;
-- Nodes that nobody had looked at yet come after those.
UPDATE resource_provider p
SET number = (SELECT coalesce(max(number), 0) FROM compute_node) + later.place
FROM (SELECT name, row_number() OVER (ORDER BY name) AS place FROM resource_provider
      WHERE name NOT IN (SELECT name FROM compute_node)) later
WHERE later.name = p.name;
ALTER TABLE resource_provider ADD CONSTRAINT resource_provider_number UNIQUE (number);
SELECT setval(pg_get_serial_sequence('resource_provider', 'number'),
              (SELECT coalesce(max(number), 0) + 1 FROM resource_provider), false);

INSERT INTO inventory (provider_id, resource_class, total, max_unit)
SELECT p.id, 'DISK_MB', n.disk_mib, n.disk_mib FROM node n JOIN resource_provider p USING (name)
WHERE n.disk_mib > 0;
ALTER TABLE node DROP COLUMN disk_mib;

INSERT INTO allocation (consumer_id, provider_id, role, resource_class, used)
SELECT s.id, p.id, 'active', taken.resource_class, taken.used
FROM server s
JOIN resource_provider p ON p.name = s.node
CROSS JOIN LATERAL (
    VALUES ('VCPU', s.vcpus::bigint),
           ('MEMORY_MB', s.memory_mib),
           -- As RootDisks counts: what the flavor says, or the image's size when it says 0.
           ('DISK_MB', CASE WHEN s.disk_gib > 0 THEN s.disk_gib * 1024::bigint
                            ELSE (coalesce(s.root_size_bytes, 0) + 1048575) / 1048576 END)
) taken (resource_class, used)
WHERE taken.used > 0;

-- Nodes that take no new servers; those they have stay.
CREATE TABLE disabled_node (
    node   text PRIMARY KEY REFERENCES node ON DELETE CASCADE,
    reason text
);
INSERT INTO disabled_node (node, reason)
SELECT name, disabled_reason FROM compute_node WHERE NOT enabled;

ALTER TABLE server DROP CONSTRAINT server_node_fkey;
ALTER TABLE server ADD FOREIGN KEY (node) REFERENCES node;
DROP TABLE compute_node;

-- The only node that an administrator allowed; it matters until the server is placed.
ALTER TABLE server ADD COLUMN requested_node text;
CREATE INDEX server_waiting ON server (reservation_id) WHERE task_state = 'scheduling';
