-- What a volume starts as: a snapshot or a volume, which may be deleted later and is still shown.
ALTER TABLE volume ADD COLUMN snapshot_id uuid;
ALTER TABLE volume ADD COLUMN source_volid uuid;
CREATE INDEX volume_of_snapshot ON volume (snapshot_id) WHERE status = 'creating';
CREATE INDEX volume_of_volume ON volume (source_volid) WHERE status = 'creating';

-- Or the disk in an image, of which its node needs this while it makes the volume.
ALTER TABLE volume ADD COLUMN image_id text;
ALTER TABLE volume ADD COLUMN image_sha256 text;
ALTER TABLE volume ADD COLUMN image_bytes bigint;
ALTER TABLE volume ADD CONSTRAINT volume_image_check CHECK (
    (image_id IS NULL) = (image_sha256 IS NULL) AND (image_id IS NULL) = (image_bytes IS NULL));

-- What the image said of itself; copies have it too.
ALTER TABLE volume ADD COLUMN image_metadata jsonb NOT NULL DEFAULT '{}';

-- Whether its node has had it, and has it no more.
ALTER TABLE volume ADD COLUMN presence text NOT NULL DEFAULT 'coming'
    CHECK (presence IN ('coming', 'made', 'lost'));
UPDATE volume SET presence = 'made' WHERE status NOT IN ('creating', 'error');
