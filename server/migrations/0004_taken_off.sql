-- Devices that were taken off: what they write in a vault is refused, and their sessions are
-- kept only to tell them why they ended.
ALTER TABLE devices ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN taken_off INTEGER NOT NULL DEFAULT 0;
