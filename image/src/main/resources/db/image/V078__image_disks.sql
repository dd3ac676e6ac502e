-- What guests see of an image's disk. An image of another format than raw has its disk beside its
-- bytes, in a file named as theirs and ".raw"; its size, digest and space are those of that file.
ALTER TABLE image ADD COLUMN virtual_size_bytes bigint;
ALTER TABLE image ADD COLUMN disk_size_bytes bigint;
ALTER TABLE image ADD COLUMN disk_sha256 text;
ALTER TABLE image ADD COLUMN disk_stored_bytes bigint;
ALTER TABLE image ADD CONSTRAINT image_disk_check CHECK (
    (disk_size_bytes IS NULL) = (disk_sha256 IS NULL)
    AND (disk_size_bytes IS NULL) = (disk_stored_bytes IS NULL)
    AND (disk_size_bytes IS NULL OR size_bytes IS NOT NULL));
UPDATE image SET virtual_size_bytes = size_bytes
    WHERE disk_format = 'raw' AND container_format = 'bare';
