-- Accounts that whoever keeps the server has closed, and since when; nothing of theirs is gone.
CREATE TABLE closed (
    account  BYTEA PRIMARY KEY REFERENCES accounts (id),
    since_ms BIGINT NOT NULL
);
