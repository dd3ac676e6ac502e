-- As of accounts: tokens for the project that were issued before this moment are void.
ALTER TABLE project ADD COLUMN tokens_valid_from timestamptz NOT NULL DEFAULT to_timestamp(0);
