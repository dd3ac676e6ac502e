-- Contents of nodes' disks on their way to become images: each of a saving image, whose file the id
-- names. consumer is the server or volume whose disk it is. The id is also that of the room it has on its node.
CREATE TABLE image_capture (
    id            uuid PRIMARY KEY,
    image_id      text NOT NULL UNIQUE REFERENCES image ON DELETE CASCADE,
    consumer      uuid NOT NULL UNIQUE,
    node          text NOT NULL,
    disk_id       text NOT NULL,
    size_bytes    bigint NOT NULL CHECK (size_bytes > 0),
    state         text NOT NULL CHECK (state IN ('asked', 'taken', 'arriving')),
    -- The revision of the node's goal that names it.
    goal_revision bigint NOT NULL,
    -- Of a backup: of which kind, and how many of these its server keeps.
    backup_type   text,
    rotation      integer CHECK (rotation >= 0),
    -- Who asked for it, and by which request.
    request_id    text NOT NULL,
    user_id       text NOT NULL,
    project_id    text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CHECK ((backup_type IS NULL) = (rotation IS NULL))
);
CREATE INDEX image_capture_by_node ON image_capture (node);

-- Of a backup that is there: of which server and kind. By these backups rotate, not by properties: those
-- anybody may write.
ALTER TABLE image ADD COLUMN backup_of uuid, ADD COLUMN backup_type text;
CREATE INDEX image_by_backup ON image (backup_of) WHERE backup_of IS NOT NULL;
