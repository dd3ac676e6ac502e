ALTER TABLE server DROP CONSTRAINT server_wish_check;
ALTER TABLE server ADD CHECK (wish IN ('on', 'paused', 'off'));

-- Who has locked a server against its users; null: nobody.
ALTER TABLE server
    ADD COLUMN locked_by     text CHECK (locked_by IN ('owner', 'admin')),
    ADD COLUMN locked_reason text;
