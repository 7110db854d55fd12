-- What lets somebody into the page for whoever keeps the server: links (kind 0), and sessions (kind 1).
CREATE TABLE admin_passes (
    token_hash BLOB PRIMARY KEY,
    kind       INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
