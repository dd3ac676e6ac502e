-- While bytes of an image arrive, reserved_bytes of its project's quota are theirs. A staged image is
-- uploading, with its size and digests; import_task is the last import of it.
ALTER TABLE image ADD COLUMN reserved_bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE image ADD COLUMN import_task text;
ALTER TABLE image ADD COLUMN import_failed boolean NOT NULL DEFAULT false;

ALTER TABLE image DROP CONSTRAINT image_status_check;
ALTER TABLE image ADD CONSTRAINT image_status_check CHECK (
    status IN ('queued', 'saving', 'uploading', 'importing', 'active', 'deactivated'));
ALTER TABLE image DROP CONSTRAINT image_bytes_check;
ALTER TABLE image ADD CONSTRAINT image_bytes_check
    CHECK (status IN ('queued', 'saving', 'uploading', 'importing') OR
           (size_bytes IS NOT NULL AND sha256 IS NOT NULL AND file IS NOT NULL));

-- Tasks outlive their images, until they expire.
CREATE TABLE image_task (
    id          text PRIMARY KEY,
    image_id    text NOT NULL,
    owner       text NOT NULL,
    user_id     text NOT NULL,
    request_id  text NOT NULL,
    status      text NOT NULL CHECK (status IN ('pending', 'processing', 'success', 'failure')),
    input       jsonb NOT NULL,
    message     text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    expires_at  timestamptz
);
CREATE INDEX image_task_image ON image_task (image_id, created_at);
CREATE INDEX image_task_owner ON image_task (owner, created_at);
CREATE INDEX image_task_created ON image_task (created_at, id);
