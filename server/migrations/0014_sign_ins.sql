-- Sign-ins whose secret is proved: that wait for a second factor (stage 0), go on (1), or were used (2).
CREATE TABLE sign_ins (
    id        BLOB PRIMARY KEY,
    account   BLOB NOT NULL REFERENCES accounts (id),
    said      BLOB NOT NULL,
    proved_ms INTEGER NOT NULL,
    answers   INTEGER NOT NULL,
    stage     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_ins_by_account ON sign_ins (account);
CREATE INDEX sign_ins_by_time ON sign_ins (proved_ms);
