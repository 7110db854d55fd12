-- What a sign-in with the password is asked for beside it: codes of an app, whose secret is made of
-- this seed under a key that is not in here …
CREATE TABLE totp (
    account   BLOB PRIMARY KEY REFERENCES accounts (id),
    seed      BLOB NOT NULL,
    since_ms  INTEGER NOT NULL,
    last_step INTEGER NOT NULL,
    wrong     INTEGER NOT NULL,
    wrong_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- … and codes on paper that work once each, of which only hashes are kept.
CREATE TABLE spare_codes (
    account   BLOB NOT NULL REFERENCES accounts (id),
    code_hash BLOB NOT NULL,
    PRIMARY KEY (account, code_hash)
) STRICT, WITHOUT ROWID;
