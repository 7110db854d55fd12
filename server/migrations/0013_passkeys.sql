-- Passkeys, each with what its authenticator signs by and how often it has.
CREATE TABLE passkeys (
    account    BLOB NOT NULL REFERENCES accounts (id),
    credential BLOB NOT NULL,
    name       TEXT NOT NULL,
    public_key BLOB NOT NULL,
    count      INTEGER NOT NULL,
    made_ms    INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL,
    PRIMARY KEY (account, credential)
) STRICT, WITHOUT ROWID;
