-- Sessions that ended while access tokens of theirs may still live.
CREATE TABLE ended (
    session BYTEA PRIMARY KEY,
    at_ms   BIGINT NOT NULL
);
CREATE INDEX ended_by_time ON ended (at_ms);
