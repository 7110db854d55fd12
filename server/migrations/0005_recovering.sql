-- The server was restored from a backup: the vault's log takes what it lost and the entry
-- that ends this, and nothing else.
ALTER TABLE vaults ADD COLUMN recovering INTEGER NOT NULL DEFAULT 0;
