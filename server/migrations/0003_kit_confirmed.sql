-- Whether the recovery kit was read back, so that every device can ask for it.
ALTER TABLE accounts ADD COLUMN kit_confirmed INTEGER NOT NULL DEFAULT 0;
