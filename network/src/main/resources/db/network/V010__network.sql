-- Intent of the network service. OVN's northbound database is derived from these tables alone.
-- Project ids are those of the identity service. Absent texts are '' as in Neutron's API.

CREATE TABLE network (
    id                    uuid PRIMARY KEY,
    project_id            text        NOT NULL,
    name                  text        NOT NULL,
    description           text        NOT NULL,
    admin_state_up        boolean     NOT NULL,
    mtu_bytes             integer     NOT NULL CHECK (mtu_bytes BETWEEN 68 AND 65535),
    port_security_enabled boolean     NOT NULL,
    segmentation_id       integer     NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    revision              bigint      NOT NULL DEFAULT 1,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX network_by_project ON network (project_id, id);

CREATE TABLE subnet (
    id           uuid PRIMARY KEY,
    project_id   text        NOT NULL,
    network_id   uuid        NOT NULL REFERENCES network ON DELETE CASCADE,
    name         text        NOT NULL,
    description  text        NOT NULL,
    cidr         cidr        NOT NULL CHECK (family(cidr) = 4),
    gateway      inet,
    dns_servers  text[]      NOT NULL,
    host_routes  text[]      NOT NULL, -- 'destination next-hop'
    dhcp_enabled boolean     NOT NULL,
    dhcp_mac     text        NOT NULL,
    revision     bigint      NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX subnet_by_network ON subnet (network_id);
CREATE INDEX subnet_by_project ON subnet (project_id, id);

CREATE TABLE subnet_pool_range (
    subnet_id uuid NOT NULL REFERENCES subnet ON DELETE CASCADE,
    first     inet NOT NULL,
    last      inet NOT NULL CHECK (first <= last),
    PRIMARY KEY (subnet_id, first)
);

CREATE TABLE security_group (
    id          uuid PRIMARY KEY,
    project_id  text        NOT NULL,
    name        text        NOT NULL,
    description text        NOT NULL,
    revision    bigint      NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX security_group_by_project ON security_group (project_id, id);
-- Two requests that both find no default group must not make two.
CREATE UNIQUE INDEX security_group_default ON security_group (project_id) WHERE name = 'default';

CREATE TABLE security_group_rule (
    id                uuid PRIMARY KEY,
    security_group_id uuid        NOT NULL REFERENCES security_group ON DELETE CASCADE,
    project_id        text        NOT NULL,
    direction         text        NOT NULL CHECK (direction IN ('ingress', 'egress')),
    ethertype         text        NOT NULL CHECK (ethertype IN ('IPv4', 'IPv6')),
    protocol          text,
    port_minimum      integer,
    port_maximum      integer,
    remote_prefix     text,
    remote_group_id   uuid REFERENCES security_group ON DELETE CASCADE,
    description       text        NOT NULL,
    revision          bigint      NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    CHECK (remote_prefix IS NULL OR remote_group_id IS NULL),
    -- The same rule twice in one group is an error of the user (SecurityGroupRuleExists).
    UNIQUE NULLS NOT DISTINCT (security_group_id, direction, ethertype, protocol, port_minimum,
                               port_maximum, remote_prefix, remote_group_id)
);
CREATE INDEX security_group_rule_by_remote ON security_group_rule (remote_group_id);
CREATE INDEX security_group_rule_by_project ON security_group_rule (project_id, id);

CREATE TABLE router (
    id             uuid PRIMARY KEY,
    project_id     text        NOT NULL,
    name           text        NOT NULL,
    description    text        NOT NULL,
    admin_state_up boolean     NOT NULL,
    revision       bigint      NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX router_by_project ON router (project_id, id);

CREATE TABLE port (
    id                    uuid PRIMARY KEY,
    project_id            text        NOT NULL,
    network_id            uuid        NOT NULL REFERENCES network,
    name                  text        NOT NULL,
    description           text        NOT NULL,
    admin_state_up        boolean     NOT NULL,
    mac                   text        NOT NULL,
    device_id             text        NOT NULL,
    device_owner          text        NOT NULL,
    host                  text        NOT NULL DEFAULT '',
    vnic_type             text        NOT NULL DEFAULT 'normal',
    port_security_enabled boolean     NOT NULL,
    address_pairs         text[]      NOT NULL DEFAULT '{}', -- 'mac address'
    -- Place among the ports of its device.
    device_index          smallint    NOT NULL DEFAULT 0,
    -- Made by a server's creation, and so removed with the server.
    made_for_server       boolean     NOT NULL DEFAULT false,
    -- Observed: OVN reports the port up.
    active                boolean     NOT NULL DEFAULT false,
    revision              bigint      NOT NULL DEFAULT 1,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now(),
    UNIQUE (network_id, mac)
);
CREATE INDEX port_by_project ON port (project_id, id);
CREATE INDEX port_by_device ON port (device_id) WHERE device_id <> '';
CREATE UNIQUE INDEX port_metadata ON port (network_id) WHERE device_owner = 'network:distributed';

CREATE TABLE port_address (
    port_id   uuid     NOT NULL REFERENCES port ON DELETE CASCADE,
    subnet_id uuid     NOT NULL REFERENCES subnet,
    address   inet     NOT NULL,
    ordinal   smallint NOT NULL,
    PRIMARY KEY (subnet_id, address)
);
CREATE INDEX port_address_by_port ON port_address (port_id);

CREATE TABLE port_security_group (
    port_id           uuid NOT NULL REFERENCES port ON DELETE CASCADE,
    security_group_id uuid NOT NULL REFERENCES security_group,
    PRIMARY KEY (port_id, security_group_id)
);
CREATE INDEX port_security_group_by_group ON port_security_group (security_group_id);

-- One row per resource with what hangs on it, for reading.
CREATE VIEW network_row AS
SELECT n.*,
       ARRAY(SELECT s.id::text FROM subnet s WHERE s.network_id = n.id
             ORDER BY s.created_at, s.id) AS subnets
FROM network n;
CREATE VIEW subnet_row AS
SELECT s.*,
       ARRAY(SELECT host(r.first) || ' ' || host(r.last) FROM subnet_pool_range r
             WHERE r.subnet_id = s.id ORDER BY r.first) AS pools
FROM subnet s;
CREATE VIEW port_row AS
SELECT p.*,
       ARRAY(SELECT a.subnet_id || ' ' || host(a.address) FROM port_address a
             WHERE a.port_id = p.id ORDER BY a.ordinal) AS fixed_ips,
       ARRAY(SELECT g.security_group_id::text FROM port_security_group g
             WHERE g.port_id = p.id ORDER BY 1) AS security_groups
FROM port p;

-- Wakes the northbound reconciler when a change commits; it then reads the whole intent, so a lost
-- notification costs a delay and nothing else. The observed column of port is not intent.
CREATE FUNCTION network_intent_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('network_intent', '');
    RETURN NULL;
END $$;

DO $$
DECLARE
    intent text;
BEGIN
    FOREACH intent IN ARRAY ARRAY['network', 'subnet', 'subnet_pool_range', 'security_group',
                                  'security_group_rule', 'router', 'port_address',
                                  'port_security_group'] LOOP
        EXECUTE format('CREATE TRIGGER intent AFTER INSERT OR UPDATE OR DELETE ON %I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION network_intent_changed()', intent);
    END LOOP;
END $$;
CREATE TRIGGER intent AFTER INSERT OR DELETE OR UPDATE OF name, admin_state_up, mac, device_id,
    device_owner, host, port_security_enabled, address_pairs, revision ON port
    FOR EACH STATEMENT EXECUTE FUNCTION network_intent_changed();
