-- A place is a file below a folder; `category` says what the folder's files are when the folder is not
-- a models folder ('' is one). `ctime_ns` is NULL until the file was seen again by a version that
-- records it. `offline` is 1 while the folder or drive the file lies on is not there.
ALTER TABLE model_locations RENAME TO model_locations_1;
DROP INDEX model_locations_model;
CREATE TABLE model_locations (
  model_id       INTEGER NOT NULL REFERENCES models(id),
  base_directory TEXT    NOT NULL,
  category       TEXT    NOT NULL DEFAULT '',
  relative_path  TEXT    NOT NULL,
  filename       TEXT    NOT NULL,
  device         INTEGER NOT NULL,
  inode          INTEGER NOT NULL,
  size           INTEGER NOT NULL,
  mtime_ns       INTEGER NOT NULL,
  ctime_ns       INTEGER,
  offline        INTEGER NOT NULL DEFAULT 0,
  last_seen      TEXT    NOT NULL,
  PRIMARY KEY (base_directory, category, relative_path)
) WITHOUT ROWID;
INSERT INTO model_locations(model_id, base_directory, relative_path, filename, device, inode, size, mtime_ns, last_seen)
  SELECT model_id, base_directory, relative_path, filename, device, inode, size, mtime_ns, last_seen FROM model_locations_1;
DROP TABLE model_locations_1;
CREATE INDEX model_locations_model ON model_locations(model_id);
CREATE INDEX model_locations_inode ON model_locations(inode, size);
CREATE INDEX models_blake3 ON models(blake3);
-- What files beside a model say of it (decision 62): never its identity.
CREATE TABLE model_claims (
  model_id INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,
  origin   TEXT    NOT NULL,
  format   TEXT    NOT NULL,
  trust    TEXT    NOT NULL,
  sha256   TEXT,
  blake3   TEXT,
  sources  TEXT    NOT NULL DEFAULT '[]',
  seen_at  TEXT    NOT NULL,
  PRIMARY KEY (model_id, origin)
) WITHOUT ROWID;
CREATE INDEX model_claims_origin ON model_claims(origin);
-- The files claims were read from, as they were then, and the rows of the models they were read for.
CREATE TABLE model_sidecars (
  path     TEXT    PRIMARY KEY,
  size     INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  models   TEXT    NOT NULL
) WITHOUT ROWID;
