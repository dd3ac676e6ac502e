-- One domain, "default". Ids are UUIDs in hex without dashes, as Keystone's.
CREATE TABLE project (
    id           text PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    description  text NOT NULL DEFAULT '',
    enabled      boolean NOT NULL DEFAULT true
);

CREATE TABLE account (
    id                  text PRIMARY KEY,
    name                text NOT NULL UNIQUE,
    description         text NOT NULL DEFAULT '',
    email               text NOT NULL DEFAULT '',
    enabled             boolean NOT NULL DEFAULT true,
    default_project_id  text,
    -- scheme$iterations$salt$hash; NULL: no password, nobody can log in.
    password_hash       text,
    -- Tokens issued before this moment are void.
    tokens_valid_from   timestamptz NOT NULL DEFAULT to_timestamp(0)
);

CREATE TABLE role (
    id           text PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    description  text NOT NULL DEFAULT ''
);

CREATE TABLE role_assignment (
    account_id  text NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    project_id  text NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    role_id     text NOT NULL REFERENCES role (id) ON DELETE CASCADE,
    PRIMARY KEY (account_id, project_id, role_id)
);
CREATE INDEX role_assignment_project ON role_assignment (project_id);

-- The key that signs tokens. Whoever can read this table can be anybody.
CREATE TABLE token_key (
    id      integer PRIMARY KEY,
    secret  bytea NOT NULL
);

-- Tokens that were given back before they expired.
CREATE TABLE revoked_token (
    audit_id    text PRIMARY KEY,
    expires_at  timestamptz NOT NULL
);
