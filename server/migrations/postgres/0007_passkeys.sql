-- Passkeys, each with what its authenticator signs by and how often it has.
CREATE TABLE passkeys (
    account    BYTEA NOT NULL REFERENCES accounts (id),
    credential BYTEA NOT NULL,
    name       TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    count      BIGINT NOT NULL,
    made_ms    BIGINT NOT NULL,
    used_ms    BIGINT NOT NULL,
    PRIMARY KEY (account, credential)
);
