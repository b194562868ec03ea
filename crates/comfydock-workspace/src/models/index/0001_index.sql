CREATE TABLE models (
  id            INTEGER PRIMARY KEY,
  quick_hash    TEXT    NOT NULL,
  file_size     INTEGER NOT NULL,
  sha256        TEXT    UNIQUE,
  blake3        TEXT,
  first_seen    TEXT    NOT NULL,
  last_modified TEXT    NOT NULL,
  metadata      TEXT    NOT NULL DEFAULT '{}'
);
CREATE INDEX models_quick_hash ON models(quick_hash);
CREATE TABLE model_locations (
  model_id       INTEGER NOT NULL REFERENCES models(id),
  base_directory TEXT    NOT NULL,
  relative_path  TEXT    NOT NULL,
  filename       TEXT    NOT NULL,
  device         INTEGER NOT NULL,
  inode          INTEGER NOT NULL,
  size           INTEGER NOT NULL,
  mtime_ns       INTEGER NOT NULL,
  last_seen      TEXT    NOT NULL,
  PRIMARY KEY (base_directory, relative_path)
) WITHOUT ROWID;
CREATE INDEX model_locations_model ON model_locations(model_id);
CREATE TABLE model_sources (
  model_id INTEGER NOT NULL REFERENCES models(id),
  kind     TEXT    NOT NULL,
  locator  TEXT    NOT NULL,
  origin   TEXT    NOT NULL,
  added_at TEXT    NOT NULL,
  PRIMARY KEY (model_id, kind, locator)
) WITHOUT ROWID;
CREATE TABLE schema_info (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO schema_info VALUES ('format', 'comfydock model index');
