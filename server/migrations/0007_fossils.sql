-- Chunks that nothing but snapshots has declared: pieces. Of those that a device calls dead,
-- where in the log it says so, and since when that is counted. Pieces of before are unknown
-- here, and stay.
CREATE TABLE pieces (
    vault    INTEGER NOT NULL REFERENCES vaults (key),
    id       BLOB NOT NULL,
    dead_seq INTEGER,
    dead_ms  INTEGER,
    PRIMARY KEY (vault, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX fossils ON pieces (vault, dead_seq) WHERE dead_seq IS NOT NULL;

-- Chunks that something other than a snapshot declared when nobody had them: what is given back
-- to a restored server may come before its chunks.
CREATE TABLE awaited (
    vault INTEGER NOT NULL REFERENCES vaults (key),
    id    BLOB NOT NULL,
    PRIMARY KEY (vault, id)
) STRICT, WITHOUT ROWID;

-- How far devices have read a log that has fossils.
CREATE TABLE reads (
    vault  INTEGER NOT NULL REFERENCES vaults (key),
    device BLOB NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (vault, device)
) STRICT, WITHOUT ROWID;
