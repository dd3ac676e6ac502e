-- Bytes are in the images directory, in a file named by the id, once status is active.
CREATE TABLE image (
    id                text PRIMARY KEY,
    name              text NOT NULL DEFAULT '',
    owner             text NOT NULL,
    status            text NOT NULL CHECK (status IN ('queued', 'saving', 'active')),
    visibility        text NOT NULL CHECK (visibility IN ('public', 'private', 'shared')),
    protected         boolean NOT NULL DEFAULT false,
    hidden            boolean NOT NULL DEFAULT false,
    disk_format       text,
    container_format  text,
    min_disk_gib      bigint NOT NULL DEFAULT 0,
    min_ram_mib       bigint NOT NULL DEFAULT 0,
    size_bytes        bigint,
    md5               text,
    sha256            text,
    sha512            text,
    tags              text[] NOT NULL DEFAULT '{}',
    properties        jsonb NOT NULL DEFAULT '{}',
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CHECK (status <> 'active' OR (size_bytes IS NOT NULL AND sha256 IS NOT NULL))
);
CREATE INDEX image_created ON image (created_at, id);
CREATE INDEX image_owner ON image (owner);
CREATE INDEX image_name ON image (name);
