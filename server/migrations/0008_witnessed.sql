-- Snapshots that a second device has countersigned: the place of the snapshot's entry, up to
-- where it has the log, and since when that is counted. Of a vault, up to where bodies are gone.
CREATE TABLE witnessed (
    vault    INTEGER NOT NULL REFERENCES vaults (key),
    seq      INTEGER NOT NULL,
    through  INTEGER NOT NULL,
    since_ms INTEGER,
    PRIMARY KEY (vault, seq)
) STRICT, WITHOUT ROWID;
ALTER TABLE vaults ADD COLUMN pruned_to INTEGER NOT NULL DEFAULT 0;
