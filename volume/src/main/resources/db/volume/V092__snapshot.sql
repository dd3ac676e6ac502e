CREATE TABLE volume_snapshot (
    id             uuid PRIMARY KEY,
    number         bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    project_id     text NOT NULL,
    user_id        text NOT NULL,
    name           text,
    description    text,
    -- On whose node it is.
    volume_id      uuid NOT NULL REFERENCES volume,
    -- Of the volume when it was asked for.
    size_gib       bigint NOT NULL,
    status         text NOT NULL,
    metadata       jsonb NOT NULL DEFAULT '{}',
    bootable       boolean NOT NULL,
    image_metadata jsonb NOT NULL DEFAULT '{}',
    presence       text NOT NULL DEFAULT 'coming' CHECK (presence IN ('coming', 'made', 'lost')),
    goal_revision  bigint NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz
);
CREATE INDEX volume_snapshot_by_project ON volume_snapshot (project_id, number);
CREATE INDEX volume_snapshot_by_volume ON volume_snapshot (volume_id);
