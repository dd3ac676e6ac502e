-- Kinds of volumes; a kind says what keeps them. So far there is the pool of one node.
CREATE TABLE volume_type (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name        text NOT NULL UNIQUE,
    description text NOT NULL
);
INSERT INTO volume_type (name, description)
VALUES ('local', 'In the pool of one node, for servers of that node.');

CREATE TABLE volume (
    id            uuid PRIMARY KEY,
    number        bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    project_id    text NOT NULL,
    user_id       text NOT NULL,
    name          text,
    description   text,
    size_gib      bigint NOT NULL CHECK (size_gib > 0),
    -- What its node is told; more than its size while it grows. This is what quotas count.
    target_gib    bigint NOT NULL CHECK (target_gib >= size_gib),
    type_id       uuid NOT NULL REFERENCES volume_type,
    status        text NOT NULL,
    bootable      boolean NOT NULL DEFAULT false,
    metadata      jsonb NOT NULL DEFAULT '{}',
    -- Whose pool has it; NULL: not placed.
    node          text REFERENCES node,
    -- The revision of the node's goal that carries what was asked last.
    goal_revision bigint NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz
);
CREATE INDEX volume_by_project ON volume (project_id, number);
CREATE INDEX volume_by_node ON volume (node);
CREATE INDEX volume_waiting ON volume (number) WHERE node IS NULL AND status = 'creating';

-- Why something came to nothing, for owners and administrators; kept for 30 days.
CREATE TABLE volume_message (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    number      bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    project_id  text NOT NULL,
    resource_id uuid NOT NULL,
    event       text NOT NULL,
    -- What a node said, for administrators: it may name what is on the node.
    details     text NOT NULL,
    request_id  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX volume_message_by_project ON volume_message (project_id, number);
