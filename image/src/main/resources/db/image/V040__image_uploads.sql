-- Bytes are in the images directory, in a file of their upload's own. While an image is saving, file
-- names the upload it waits for.
ALTER TABLE image ADD COLUMN file text;
UPDATE image SET file = id WHERE status = 'active';
UPDATE image SET status = 'queued' WHERE status = 'saving';

ALTER TABLE image DROP CONSTRAINT image_status_check;
ALTER TABLE image ADD CONSTRAINT image_status_check
    CHECK (status IN ('queued', 'saving', 'active', 'deactivated'));
ALTER TABLE image DROP CONSTRAINT image_check;
ALTER TABLE image ADD CONSTRAINT image_bytes_check
    CHECK (status IN ('queued', 'saving') OR
           (size_bytes IS NOT NULL AND sha256 IS NOT NULL AND file IS NOT NULL));
