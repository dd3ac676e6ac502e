-- Tokens of consoles: each opens one console of one server once. Only its hash is kept.
CREATE TABLE console_token (
    hash       bytea PRIMARY KEY,
    number     bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    server_id  uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('novnc', 'serial')),
    project_id text        NOT NULL,
    user_id    text        NOT NULL,
    request_id text        NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX console_token_server ON console_token (server_id, number);
CREATE INDEX console_token_expiry ON console_token (expires_at);
