-- Bytes known to be dead. What is neither live nor dead is unknown and stays; of what died
-- before this column nothing is known, so it stays too.
ALTER TABLE segments ADD COLUMN dead_bytes INTEGER NOT NULL DEFAULT 0;
