-- Chunks that changes declared and that a device calls dead: where in the log it says so, and
-- since when that is counted.
CREATE TABLE dead_contents (
    vault    BIGINT NOT NULL REFERENCES vaults (key),
    id       BYTEA NOT NULL,
    dead_seq BIGINT NOT NULL,
    dead_ms  BIGINT,
    PRIMARY KEY (vault, id)
);

-- Up to where in the log devices have answered for contents that were called dead.
CREATE TABLE answers (
    vault  BIGINT NOT NULL REFERENCES vaults (key),
    device BYTEA NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (vault, device)
);
