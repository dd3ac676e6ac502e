-- What a server has beside its flavor and root disk until a resize is confirmed or reverted: the other ones.
ALTER TABLE server ADD COLUMN resize jsonb;
