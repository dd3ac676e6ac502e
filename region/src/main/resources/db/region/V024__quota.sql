-- Limits that differ from the standard ones; -1 is none. What is used is counted, not stored.
CREATE TABLE quota (
    project_id  text NOT NULL,
    service     text NOT NULL,
    resource    text NOT NULL,
    hard_limit  bigint NOT NULL CHECK (hard_limit >= -1),
    PRIMARY KEY (project_id, service, resource)
);
