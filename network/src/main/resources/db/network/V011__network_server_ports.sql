-- Which server a port is part of. device_id is a text that users may write, so it proves nothing:
-- only the compute service sets this column.
ALTER TABLE port ADD COLUMN server_id uuid;
UPDATE port SET server_id = device_id::uuid
WHERE starts_with(device_owner, 'compute:')
  AND device_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
CREATE INDEX port_by_server ON port (server_id) WHERE server_id IS NOT NULL;
