-- Which of its root disks a server has: a rebuild makes it another one.
ALTER TABLE server ADD COLUMN root_disk bigint NOT NULL DEFAULT 0;
