-- What is brought to OVN at a time is a unit: a network with its subnets and ports, a router with its
-- interfaces, a security group with its rules. Every change of intent tells which units it is about, in
-- its own transaction: PostgreSQL delivers the notification when that commits, and only then. Who
-- listens reads those units again; who lost its connection, or was not there, reads everything.
DO $$
DECLARE
    intent text;
BEGIN
    FOREACH intent IN ARRAY ARRAY['network', 'subnet', 'subnet_pool_range', 'security_group',
                                  'security_group_rule', 'router', 'port_address',
                                  'port_security_group', 'port'] LOOP
        EXECUTE format('DROP TRIGGER intent ON %I', intent);
    END LOOP;
END $$;
DROP FUNCTION network_intent_changed();

CREATE FUNCTION intent_changed(kind text, id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('network_intent', kind || ' ' || id);
END $$;

-- Routers tell an interface's MTU by comparing the networks of all their interfaces.
CREATE FUNCTION network_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM intent_changed('network', COALESCE(NEW.id, OLD.id)::text);
    IF TG_OP = 'UPDATE' AND NEW.mtu_bytes <> OLD.mtu_bytes THEN
        PERFORM intent_changed('router', device_id) FROM port
        WHERE network_id = NEW.id AND device_owner = 'network:router_interface';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION subnet_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM intent_changed('network', COALESCE(NEW.network_id, OLD.network_id)::text);
    RETURN NULL;
END $$;

CREATE FUNCTION port_intent_changed(changed port) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM intent_changed('network', changed.network_id::text);
    IF changed.device_owner = 'network:router_interface' THEN
        PERFORM intent_changed('router', changed.device_id);
    END IF;
END $$;

CREATE FUNCTION port_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM port_intent_changed(OLD);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM port_intent_changed(NEW);
    END IF;
    RETURN NULL;
END $$;

-- A row that goes with its port finds none: the port has told.
CREATE FUNCTION port_part_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM port_intent_changed(p) FROM port p WHERE p.id = COALESCE(NEW.port_id, OLD.port_id);
    RETURN NULL;
END $$;

CREATE FUNCTION router_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM intent_changed('router', COALESCE(NEW.id, OLD.id)::text);
    RETURN NULL;
END $$;

CREATE FUNCTION security_group_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM intent_changed('security_group', COALESCE(NEW.id, OLD.id)::text);
    RETURN NULL;
END $$;

CREATE FUNCTION security_group_rule_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM intent_changed('security_group',
                           COALESCE(NEW.security_group_id, OLD.security_group_id)::text);
    RETURN NULL;
END $$;

CREATE TRIGGER intent AFTER INSERT OR UPDATE OR DELETE ON network
    FOR EACH ROW EXECUTE FUNCTION network_changed();
CREATE TRIGGER intent AFTER INSERT OR UPDATE OR DELETE ON subnet
    FOR EACH ROW EXECUTE FUNCTION subnet_changed();
-- The column active is observed, and whose server a port is does not reach OVN.
CREATE TRIGGER intent AFTER INSERT OR DELETE OR UPDATE OF network_id, project_id, name,
    admin_state_up, mac, device_id, device_owner, host, port_security_enabled, address_pairs,
    tunnel_key, revision ON port
    FOR EACH ROW EXECUTE FUNCTION port_changed();
CREATE TRIGGER intent AFTER INSERT OR UPDATE OR DELETE ON port_address
    FOR EACH ROW EXECUTE FUNCTION port_part_changed();
CREATE TRIGGER intent AFTER INSERT OR UPDATE OR DELETE ON port_security_group
    FOR EACH ROW EXECUTE FUNCTION port_part_changed();
CREATE TRIGGER intent AFTER INSERT OR UPDATE OR DELETE ON router
    FOR EACH ROW EXECUTE FUNCTION router_changed();
CREATE TRIGGER intent AFTER INSERT OR UPDATE OR DELETE ON security_group
    FOR EACH ROW EXECUTE FUNCTION security_group_changed();
CREATE TRIGGER intent AFTER INSERT OR UPDATE OR DELETE ON security_group_rule
    FOR EACH ROW EXECUTE FUNCTION security_group_rule_changed();
