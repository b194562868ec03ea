-- How many names the file had; NULL until it was seen again. `doubted` is 1 when its inode changed since
-- it was measured, and not by a name that came or went: its bytes may have (decision 61).
ALTER TABLE model_locations ADD COLUMN links INTEGER;
ALTER TABLE model_locations ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;
