-- What lets somebody into the page for whoever keeps the server: links (kind 0), and sessions (kind 1).
CREATE TABLE admin_passes (
    token_hash BYTEA PRIMARY KEY,
    kind       BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    used_ms    BIGINT NOT NULL
);
