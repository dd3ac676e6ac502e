-- A server whose first disk is a volume: it has no image and no root disk of its own.
ALTER TABLE server ADD COLUMN boots_volume boolean NOT NULL DEFAULT false;

-- An action that is over when the server's machine has a device, or has given it back: which one, and the node's goal
-- that carries that. Others end with what was asked of the server as a whole.
ALTER TABLE instance_action
    ADD COLUMN device_id     text,
    ADD COLUMN goal_revision bigint NOT NULL DEFAULT 0;
