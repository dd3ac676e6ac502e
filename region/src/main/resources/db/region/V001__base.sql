-- Who changed what; written in the change's own transaction.
CREATE TABLE audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    request_id  text NOT NULL,
    user_id     text NOT NULL,
    project_id  text,
    action      text NOT NULL,
    target      text NOT NULL
);

-- The nodes of the region: one per host and DPU. What a node says of itself in Hello.
CREATE TABLE node (
    name                  text PRIMARY KEY,
    joined_at             timestamptz NOT NULL DEFAULT now(),
    vcpus                 integer NOT NULL DEFAULT 0,
    memory_mib            bigint NOT NULL DEFAULT 0,
    encapsulation_address text NOT NULL DEFAULT '',
    architecture          text NOT NULL DEFAULT '',
    traits                text[] NOT NULL DEFAULT '{}',
    -- When the node was last heard; NULL: never since it joined.
    heartbeat_at          timestamptz,
    -- The newest goal revision the node says it has received.
    received_revision     bigint NOT NULL DEFAULT 0
);

-- Raised in the same transaction as whatever changes a node's goal.
CREATE TABLE node_goal (
    node      text PRIMARY KEY REFERENCES node (name) ON DELETE CASCADE,
    revision  bigint NOT NULL
);

-- One-time join tokens, by the SHA-256 of the token.
CREATE TABLE join_token (
    token_hash  bytea PRIMARY KEY,
    node        text NOT NULL,
    expires_at  timestamptz NOT NULL
);
