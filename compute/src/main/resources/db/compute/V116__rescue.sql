-- What a server boots while it is rescued, copied from the image as the rest of the row is.
ALTER TABLE server ADD COLUMN rescue jsonb;

ALTER TABLE server DROP CONSTRAINT server_wish_check;
ALTER TABLE server ADD CONSTRAINT server_wish_check CHECK (wish IN ('on', 'paused', 'rescue', 'off'));
