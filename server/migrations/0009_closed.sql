-- Accounts that whoever keeps the server has closed, and since when; nothing of theirs is gone.
CREATE TABLE closed (
    account  BLOB PRIMARY KEY REFERENCES accounts (id),
    since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
