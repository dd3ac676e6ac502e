-- Which server has a volume, or is to get or give it.
CREATE TABLE volume_attachment (
    volume_id             uuid PRIMARY KEY REFERENCES volume ON DELETE CASCADE,
    id                    uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    server_id             uuid NOT NULL,
    device                text NOT NULL,
    delete_on_termination boolean NOT NULL,
    attached_at           timestamptz NOT NULL DEFAULT now(),
    -- What it waits for, as its node said; told to its owner once.
    waits_for             text NOT NULL DEFAULT '',
    UNIQUE (server_id, device)
);
