-- Snapshots that a second device has countersigned: the place of the snapshot's entry, up to
-- where it has the log, and since when that is counted. Of a vault, up to where bodies are gone.
CREATE TABLE witnessed (
    vault    BIGINT NOT NULL REFERENCES vaults (key),
    seq      BIGINT NOT NULL,
    through  BIGINT NOT NULL,
    since_ms BIGINT,
    PRIMARY KEY (vault, seq)
);
ALTER TABLE vaults ADD COLUMN pruned_to BIGINT NOT NULL DEFAULT 0;
