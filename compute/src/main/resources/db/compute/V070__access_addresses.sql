-- Addresses were kept as they were written; some that were taken are none.
CREATE FUNCTION pg_temp.normal(written text) RETURNS text AS $$
DECLARE
    low bigint;
BEGIN
    IF family(written::inet) <> 6 THEN
        RETURN '';
    END IF;
    -- PostgreSQL ends addresses of ::/96 in dots, which RFC 5952 does not.
    IF written::inet << '::/96' AND written::inet > '::ffff' THEN
        low := written::inet - '::';
        RETURN '::' || to_hex(low >> 16) || ':' || to_hex(low & 65535);
    END IF;
    RETURN host(written::inet);
EXCEPTION WHEN invalid_text_representation THEN
    RETURN '';
END $$ LANGUAGE plpgsql;

UPDATE server SET access_ipv6 = pg_temp.normal(access_ipv6) WHERE access_ipv6 <> '';
