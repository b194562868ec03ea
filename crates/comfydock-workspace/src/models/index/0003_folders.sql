-- The folders files were found in, and the device each was on: a folder that is on another one now is
-- the place of a drive that is not there (decision 60).
CREATE TABLE model_folders (
  base_directory TEXT    NOT NULL,
  category       TEXT    NOT NULL,
  path           TEXT    NOT NULL,
  device         INTEGER NOT NULL,
  PRIMARY KEY (base_directory, category, path)
) WITHOUT ROWID;
