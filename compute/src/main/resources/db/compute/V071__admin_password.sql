-- The password of a server's administrator as crypt(3) hashes it; null: none is set. Its text is not kept.
ALTER TABLE server ADD COLUMN password_hash text;
