-- One row: which life of this server's data this is, and which chunk store the segments are of.
CREATE TABLE server (
    incarnation BYTEA NOT NULL,
    chunks      BYTEA
);

CREATE TABLE accounts (
    id              BYTEA PRIMARY KEY,
    username        TEXT NOT NULL UNIQUE,
    password_file   BYTEA NOT NULL,
    recovery_file   BYTEA NOT NULL,
    identity_public BYTEA NOT NULL,
    identity_sealed BYTEA NOT NULL,
    password_slot   BYTEA NOT NULL,
    recovery_slot   BYTEA NOT NULL,
    quota_bytes     BIGINT,
    used_bytes      BIGINT NOT NULL,
    created_ms      BIGINT NOT NULL,
    kit_confirmed   BOOLEAN NOT NULL
);

CREATE TABLE invites (
    token_hash BYTEA PRIMARY KEY,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms    BIGINT
);

CREATE TABLE sessions (
    id            BYTEA PRIMARY KEY,
    account       BYTEA NOT NULL REFERENCES accounts (id),
    device        BYTEA NOT NULL,
    device_public BYTEA NOT NULL,
    token_hash    BYTEA NOT NULL,
    previous_hash BYTEA,
    rotated_ms    BIGINT NOT NULL,
    created_ms    BIGINT NOT NULL,
    used_ms       BIGINT NOT NULL,
    taken_off     BOOLEAN NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_use ON sessions (used_ms);

-- `key` stands for the 32 bytes of the id wherever there are many rows for one vault.
CREATE TABLE vaults (
    key        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         BYTEA NOT NULL UNIQUE,
    account    BYTEA NOT NULL REFERENCES accounts (id),
    seq        BIGINT NOT NULL,
    chain      BYTEA NOT NULL,
    epoch      BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    recovering BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE TABLE members (
    account BYTEA NOT NULL REFERENCES accounts (id),
    vault   BIGINT NOT NULL REFERENCES vaults (key),
    PRIMARY KEY (account, vault)
);

CREATE TABLE devices (
    vault   BIGINT NOT NULL REFERENCES vaults (key),
    device  BYTEA NOT NULL,
    dseq    BIGINT NOT NULL,
    hash    BYTEA NOT NULL,
    revoked BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (vault, device)
);

CREATE TABLE log (
    vault     BIGINT NOT NULL REFERENCES vaults (key),
    seq       BIGINT NOT NULL,
    device    BYTEA NOT NULL,
    dseq      BIGINT NOT NULL,
    hash      BYTEA NOT NULL,
    chain     BYTEA NOT NULL,
    body_hash BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    header    BYTEA NOT NULL,
    body      BYTEA,
    PRIMARY KEY (vault, seq),
    UNIQUE (vault, device, dseq)
);
-- What is sealed does not compress, and its length is read without it.
ALTER TABLE log ALTER body SET STORAGE EXTERNAL;
-- What is no change, by its kind (the tenth byte of a header).
CREATE INDEX log_by_kind ON log (vault, substr(header, 10, 1), seq)
    WHERE substr(header, 10, 1) <> '\x01'::bytea;

CREATE TABLE segments (
    number     BIGINT PRIMARY KEY,
    indexed_to BIGINT NOT NULL,
    live_bytes BIGINT NOT NULL DEFAULT 0,
    dead_bytes BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE chunks (
    vault         BIGINT NOT NULL REFERENCES vaults (key),
    id            BYTEA NOT NULL,
    segment       BIGINT NOT NULL REFERENCES segments (number),
    start         BIGINT NOT NULL,
    len           BIGINT NOT NULL,
    last_declared BIGINT NOT NULL,
    PRIMARY KEY (vault, id)
);
CREATE INDEX chunks_by_place ON chunks (segment, start);

-- Chunks that nothing but snapshots has declared: pieces. Of those that a device calls dead,
-- where in the log it says so, and since when that is counted.
CREATE TABLE pieces (
    vault    BIGINT NOT NULL REFERENCES vaults (key),
    id       BYTEA NOT NULL,
    dead_seq BIGINT,
    dead_ms  BIGINT,
    PRIMARY KEY (vault, id)
);
CREATE INDEX fossils ON pieces (vault, dead_seq) WHERE dead_seq IS NOT NULL;

-- Chunks that something other than a snapshot declared when nobody had them.
CREATE TABLE awaited (
    vault BIGINT NOT NULL REFERENCES vaults (key),
    id    BYTEA NOT NULL,
    PRIMARY KEY (vault, id)
);

-- How far devices have read a log that has fossils.
CREATE TABLE reads (
    vault  BIGINT NOT NULL REFERENCES vaults (key),
    device BYTEA NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (vault, device)
);
