-- Work that the hub does by itself, each piece once. `subject` is an environment's id, or empty for
-- work on all of it.
CREATE TABLE jobs (
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

-- Who may do such work now. A lease that is not renewed ends by itself.
CREATE TABLE leases (
    name     TEXT PRIMARY KEY,
    holder   TEXT NOT NULL,
    ends_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
