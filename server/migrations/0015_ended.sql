-- Sessions that ended while access tokens of theirs may still live.
CREATE TABLE ended (
    session BLOB PRIMARY KEY,
    at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_by_time ON ended (at_ms);
