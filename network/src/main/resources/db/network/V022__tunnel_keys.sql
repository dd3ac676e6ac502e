-- The region chooses the keys that packets between nodes carry: those of networks and routers in one
-- space, those of ports within their network. Sequences go round, so that a freed key comes late.
CREATE SEQUENCE datapath_key AS integer MINVALUE 65536 MAXVALUE 131071 CYCLE;
CREATE SEQUENCE port_key AS integer MINVALUE 1 MAXVALUE 32767 CYCLE;

ALTER TABLE router ADD COLUMN tunnel_key integer;
ALTER TABLE port ADD COLUMN tunnel_key integer;
CREATE UNIQUE INDEX router_key ON router (tunnel_key);
CREATE UNIQUE INDEX port_network_key ON port (network_id, tunnel_key);
-- A router's side of an interface has the same key as the network's side.
CREATE UNIQUE INDEX port_router_key ON port (device_id, tunnel_key)
    WHERE device_owner = 'network:router_interface';

-- The next key that no network and no router has. Transactions are serializable: of two that find
-- the same key, one is run again.
CREATE FUNCTION free_datapath_key() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    start integer := nextval('datapath_key') - 65536;
    key   integer;
BEGIN
    FOR step IN 0..65535 LOOP
        key := 65536 + (start + step) % 65536;
        IF NOT EXISTS (SELECT FROM network WHERE segmentation_id = key)
           AND NOT EXISTS (SELECT FROM router WHERE tunnel_key = key) THEN
            RETURN key;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'every tunnel key of networks and routers is in use'
        USING ERRCODE = 'program_limit_exceeded', CONSTRAINT = 'datapath_key';
END $$;

-- The next key that no port of the network has, nor an interface of the device if that is a router.
CREATE FUNCTION free_port_key(network uuid, device text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    start integer := nextval('port_key') - 1;
    key   integer;
BEGIN
    FOR step IN 0..32766 LOOP
        key := 1 + (start + step) % 32767;
        IF NOT EXISTS (SELECT FROM port WHERE network_id = network AND tunnel_key = key)
           AND NOT EXISTS (SELECT FROM port
                           WHERE device_owner = 'network:router_interface'
                             AND device_id = device AND tunnel_key = key) THEN
            RETURN key;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'every tunnel key of the network is in use'
        USING ERRCODE = 'program_limit_exceeded', CONSTRAINT = 'port_key';
END $$;

-- Row by row, for the functions see what earlier statements did. The new keys of networks and routers
-- are none that northd has chosen: it counts from 1.
ALTER TABLE network ALTER COLUMN segmentation_id DROP IDENTITY;
DO $$
DECLARE
    one uuid;
BEGIN
    FOR one IN SELECT id FROM network ORDER BY created_at, id LOOP
        UPDATE network SET segmentation_id = free_datapath_key() WHERE id = one;
    END LOOP;
    FOR one IN SELECT id FROM router ORDER BY created_at, id LOOP
        UPDATE router SET tunnel_key = free_datapath_key() WHERE id = one;
    END LOOP;
    FOR one IN SELECT id FROM port ORDER BY created_at, id LOOP
        UPDATE port SET tunnel_key = free_port_key(network_id, device_id) WHERE id = one;
    END LOOP;
END $$;
ALTER TABLE network ALTER COLUMN segmentation_id SET DEFAULT free_datapath_key();
ALTER TABLE router ALTER COLUMN tunnel_key SET DEFAULT free_datapath_key(),
                   ALTER COLUMN tunnel_key SET NOT NULL;
ALTER TABLE port ALTER COLUMN tunnel_key SET NOT NULL;

DROP VIEW port_row;
CREATE VIEW port_row AS
SELECT p.*,
       ARRAY(SELECT a.subnet_id || ' ' || host(a.address) FROM port_address a
             WHERE a.port_id = p.id ORDER BY a.ordinal) AS fixed_ips,
       ARRAY(SELECT g.security_group_id::text FROM port_security_group g
             WHERE g.port_id = p.id ORDER BY 1) AS security_groups
FROM port p;
