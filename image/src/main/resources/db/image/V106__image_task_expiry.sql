-- Tasks that have expired are found without reading all others.
CREATE INDEX image_task_expires ON image_task (expires_at);
