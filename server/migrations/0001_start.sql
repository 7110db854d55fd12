-- One row: which life of this server's data this is.
CREATE TABLE server (
    incarnation BLOB NOT NULL
) STRICT;

CREATE TABLE accounts (
    id              BLOB PRIMARY KEY,
    username        TEXT NOT NULL UNIQUE,
    password_file   BLOB NOT NULL,
    recovery_file   BLOB NOT NULL,
    identity_public BLOB NOT NULL,
    identity_sealed BLOB NOT NULL,
    password_slot   BLOB NOT NULL,
    recovery_slot   BLOB NOT NULL,
    quota_bytes     INTEGER,
    used_bytes      INTEGER NOT NULL,
    created_ms      INTEGER NOT NULL
) STRICT;

CREATE TABLE invites (
    token_hash BLOB PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    used_ms    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id            BLOB PRIMARY KEY,
    account       BLOB NOT NULL REFERENCES accounts (id),
    device        BLOB NOT NULL,
    device_public BLOB NOT NULL,
    token_hash    BLOB NOT NULL,
    previous_hash BLOB,
    rotated_ms    INTEGER NOT NULL,
    created_ms    INTEGER NOT NULL,
    used_ms       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_use ON sessions (used_ms);

-- `key` stands for the 32 bytes of the id wherever there are many rows for one vault.
CREATE TABLE vaults (
    key        INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE,
    account    BLOB NOT NULL REFERENCES accounts (id),
    seq        INTEGER NOT NULL,
    chain      BLOB NOT NULL,
    epoch      INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    account BLOB NOT NULL REFERENCES accounts (id),
    vault   INTEGER NOT NULL REFERENCES vaults (key),
    PRIMARY KEY (account, vault)
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
    vault  INTEGER NOT NULL REFERENCES vaults (key),
    device BLOB NOT NULL,
    dseq   INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    PRIMARY KEY (vault, device)
) STRICT, WITHOUT ROWID;

-- `body` comes last, so that reading the rest of a row does not walk through it.
CREATE TABLE log (
    vault     INTEGER NOT NULL REFERENCES vaults (key),
    seq       INTEGER NOT NULL,
    device    BLOB NOT NULL,
    dseq      INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    chain     BLOB NOT NULL,
    body_hash BLOB NOT NULL,
    signature BLOB NOT NULL,
    header    BLOB NOT NULL,
    body      BLOB,
    PRIMARY KEY (vault, seq),
    UNIQUE (vault, device, dseq)
) STRICT;

CREATE TABLE segments (
    number     INTEGER PRIMARY KEY,
    indexed_to INTEGER NOT NULL,
    live_bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE chunks (
    vault         INTEGER NOT NULL REFERENCES vaults (key),
    id            BLOB NOT NULL,
    segment       INTEGER NOT NULL REFERENCES segments (number),
    start         INTEGER NOT NULL,
    len           INTEGER NOT NULL,
    last_declared INTEGER NOT NULL,
    PRIMARY KEY (vault, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX chunks_by_place ON chunks (segment, start);
