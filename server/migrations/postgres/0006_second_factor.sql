-- What a sign-in with the password is asked for beside it: codes of an app, whose secret is made of
-- this seed under a key that is not in here …
CREATE TABLE totp (
    account   BYTEA PRIMARY KEY REFERENCES accounts (id),
    seed      BYTEA NOT NULL,
    since_ms  BIGINT NOT NULL,
    last_step BIGINT NOT NULL,
    wrong     BIGINT NOT NULL,
    wrong_ms  BIGINT NOT NULL
);

-- … and codes on paper that work once each, of which only hashes are kept.
CREATE TABLE spare_codes (
    account   BYTEA NOT NULL REFERENCES accounts (id),
    code_hash BYTEA NOT NULL,
    PRIMARY KEY (account, code_hash)
);
