-- Chunks that changes declared and that a device calls dead: where in the log it says so, and
-- since when that is counted.
CREATE TABLE dead_contents (
    vault    INTEGER NOT NULL REFERENCES vaults (key),
    id       BLOB NOT NULL,
    dead_seq INTEGER NOT NULL,
    dead_ms  INTEGER,
    PRIMARY KEY (vault, id)
) STRICT, WITHOUT ROWID;

-- Up to where in the log devices have answered for contents that were called dead.
CREATE TABLE answers (
    vault  INTEGER NOT NULL REFERENCES vaults (key),
    device BLOB NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (vault, device)
) STRICT, WITHOUT ROWID;
