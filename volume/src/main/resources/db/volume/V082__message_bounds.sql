-- Those of one volume are bounded, and those that are too old are found by their time.
CREATE INDEX volume_message_by_resource ON volume_message (resource_id, number);
CREATE INDEX volume_message_by_time ON volume_message (created_at);
