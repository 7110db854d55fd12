-- Sign-ins whose secret is proved: that wait for a second factor (stage 0), go on (1), or were used (2).
CREATE TABLE sign_ins (
    id        BYTEA PRIMARY KEY,
    account   BYTEA NOT NULL REFERENCES accounts (id),
    said      BYTEA NOT NULL,
    proved_ms BIGINT NOT NULL,
    answers   BIGINT NOT NULL,
    stage     BIGINT NOT NULL
);
CREATE INDEX sign_ins_by_account ON sign_ins (account);
CREATE INDEX sign_ins_by_time ON sign_ins (proved_ms);
