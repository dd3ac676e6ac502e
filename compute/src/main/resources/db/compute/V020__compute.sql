-- The compute service: what users asked for, what nodes reported, and the one store of claims.
-- Project, user and image ids are those of the identity and image services.

CREATE TABLE flavor (
    id            text PRIMARY KEY,
    name          text             NOT NULL CONSTRAINT flavor_name UNIQUE,
    memory_mib    bigint           NOT NULL CHECK (memory_mib > 0),
    vcpus         integer          NOT NULL CHECK (vcpus > 0),
    disk_gib      integer          NOT NULL CHECK (disk_gib >= 0),
    ephemeral_gib integer          NOT NULL CHECK (ephemeral_gib >= 0),
    swap_mib      integer          NOT NULL CHECK (swap_mib >= 0),
    rxtx_factor   double precision NOT NULL,
    shared        boolean          NOT NULL,
    disabled      boolean          NOT NULL DEFAULT false,
    description   text,
    properties    jsonb            NOT NULL DEFAULT '{}',
    created_at    timestamptz      NOT NULL DEFAULT now()
);

-- Projects that may use a flavor that is not shared with all.
CREATE TABLE flavor_access (
    flavor_id  text NOT NULL REFERENCES flavor ON DELETE CASCADE,
    project_id text NOT NULL,
    PRIMARY KEY (flavor_id, project_id)
);

CREATE TABLE keypair (
    user_id     text        NOT NULL,
    name        text        NOT NULL,
    number      bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    type        text        NOT NULL CHECK (type IN ('ssh', 'x509')),
    public_key  text        NOT NULL,
    fingerprint text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, name)
);

CREATE TABLE server_group (
    id           uuid PRIMARY KEY,
    project_id   text        NOT NULL,
    user_id      text        NOT NULL,
    name         text        NOT NULL,
    policy       text        NOT NULL
        CHECK (policy IN ('affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity')),
    max_per_node integer CHECK (max_per_node > 0),
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX server_group_by_project ON server_group (project_id, created_at, id);

-- Limits that differ from the defaults; -1 is no limit.
CREATE TABLE compute_quota (
    project_id text    NOT NULL,
    resource   text    NOT NULL,
    hard_limit integer NOT NULL CHECK (hard_limit >= -1),
    PRIMARY KEY (project_id, resource)
);

-- What is claimed of each node and whether it may be given more. A claim and its server are written
-- in one transaction; the sums always equal those over table server.
CREATE TABLE compute_node (
    name               text PRIMARY KEY REFERENCES node ON DELETE CASCADE,
    id                 uuid    NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    number             bigint  NOT NULL UNIQUE GENERATED ALWAYS AS IDENTITY,
    claimed_vcpus      integer NOT NULL DEFAULT 0 CHECK (claimed_vcpus >= 0),
    claimed_memory_mib bigint  NOT NULL DEFAULT 0 CHECK (claimed_memory_mib >= 0),
    enabled            boolean NOT NULL DEFAULT true,
    disabled_reason    text
);

CREATE TABLE server (
    id                     uuid PRIMARY KEY,
    number                 bigint      NOT NULL UNIQUE GENERATED ALWAYS AS IDENTITY,
    project_id             text        NOT NULL,
    user_id                text        NOT NULL,
    name                   text        NOT NULL,
    description            text,
    hostname               text        NOT NULL,
    reservation_id         text        NOT NULL,
    launch_index           integer     NOT NULL,
    image_id               text        NOT NULL,
    -- What it boots, copied: the image may be deleted while the server lives.
    kernel_image_id        text        NOT NULL,
    kernel_sha256          text        NOT NULL,
    kernel_size_bytes      bigint      NOT NULL,
    initrd_image_id        text        NOT NULL,
    initrd_sha256          text        NOT NULL,
    initrd_size_bytes      bigint      NOT NULL,
    command_line           text        NOT NULL,
    -- The flavor, copied for the same reason.
    flavor_id              text        NOT NULL,
    flavor_name            text        NOT NULL,
    memory_mib             bigint      NOT NULL,
    vcpus                  integer     NOT NULL,
    disk_gib               integer     NOT NULL,
    ephemeral_gib          integer     NOT NULL,
    swap_mib               integer     NOT NULL,
    flavor_properties      jsonb       NOT NULL,
    key_name               text,
    key_openssh            text        NOT NULL DEFAULT '',
    user_data              text,
    metadata               jsonb       NOT NULL DEFAULT '{}',
    tags                   text[]      NOT NULL DEFAULT '{}',
    requested_zone         text        NOT NULL DEFAULT '',
    disk_config            text        NOT NULL DEFAULT 'MANUAL',
    access_ipv4            text        NOT NULL DEFAULT '',
    access_ipv6            text        NOT NULL DEFAULT '',
    group_id               uuid REFERENCES server_group ON DELETE SET NULL,
    -- Null: never placed, nothing is claimed.
    node                   text REFERENCES compute_node,
    vm_state               text        NOT NULL,
    task_state             text        NOT NULL,
    power_state            integer     NOT NULL DEFAULT 0,
    wish                   text        NOT NULL CHECK (wish IN ('on', 'off')),
    boot_generation        bigint      NOT NULL DEFAULT 1,
    soft_reboot_generation bigint      NOT NULL DEFAULT 0,
    -- The node's goal that carries the last change of this server.
    goal_revision          bigint      NOT NULL DEFAULT 0,
    pinned                 boolean     NOT NULL DEFAULT false,
    fault_message          text,
    fault_at               timestamptz,
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    launched_at            timestamptz
);
CREATE INDEX server_by_project ON server (project_id, created_at DESC, id DESC);
CREATE INDEX server_by_age ON server (created_at DESC, id DESC);
CREATE INDEX server_by_node ON server (node);
CREATE INDEX server_by_group ON server (group_id);

-- What was done to servers; it outlives them, so it refers to nothing.
CREATE TABLE instance_action (
    number      bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    server_id   uuid        NOT NULL,
    project_id  text        NOT NULL,
    request_id  text        NOT NULL,
    action      text        NOT NULL,
    user_id     text        NOT NULL,
    actor       text        NOT NULL,
    node        text        NOT NULL DEFAULT '',
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    failure     text
);
CREATE INDEX instance_action_by_server ON instance_action (server_id, number DESC);
CREATE INDEX instance_action_by_age ON instance_action (started_at);

-- The flavors of a new region. Disks are 0: a server runs in memory.
INSERT INTO flavor (id, name, memory_mib, vcpus, disk_gib, ephemeral_gib, swap_mib, rxtx_factor,
                    shared, properties)
VALUES ('42', 'm1.nano', 128, 1, 0, 0, 0, 1, true, '{}'),
       ('84', 'm1.micro', 256, 1, 0, 0, 0, 1, true, '{}'),
       ('1', 'm1.tiny', 512, 1, 0, 0, 0, 1, true, '{}'),
       ('2', 'm1.small', 2048, 1, 0, 0, 0, 1, true, '{}'),
       ('3', 'm1.medium', 4096, 2, 0, 0, 0, 1, true, '{}'),
       ('4', 'm1.large', 8192, 4, 0, 0, 0, 1, true, '{}'),
       ('5', 'm1.xlarge', 16384, 8, 0, 0, 0, 1, true, '{}'),
       ('v1', 'v1.nano', 128, 1, 0, 0, 0, 1, true, '{"iod:machine": "microvm"}');
