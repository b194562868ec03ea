-- Model files that the hub keeps. A row stands for a whole file, `blobs/<2>/<sha256>`, which the hub hashed
-- itself while it arrived. Times are seconds since 1970.
CREATE TABLE blobs (
    sha256       TEXT PRIMARY KEY,
    blake3       TEXT NOT NULL,
    quick        TEXT NOT NULL,
    size         INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    -- Since when nothing refers to it; null while something does.
    unused_since INTEGER
) STRICT, WITHOUT ROWID;

-- Through which environments a file can be read. Each row was made for somebody who sent every byte of the
-- file, or who may read it through another environment of the same owner: to name a hash in a manifest gives nobody
-- its bytes.
CREATE TABLE environment_blobs (
    sha256         TEXT NOT NULL REFERENCES blobs (sha256),
    environment_id TEXT NOT NULL REFERENCES environments (id),
    linked_at      INTEGER NOT NULL,
    linked_by      TEXT NOT NULL,
    -- Since when the environment does not refer to it any more.
    unused_since   INTEGER,
    PRIMARY KEY (sha256, environment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX environment_blobs_by_environment ON environment_blobs (environment_id);

-- Files that are arriving, `blobs/uploads/<id>`. Each belongs to one user and one environment: nobody learns of
-- another's, or goes on with it.
CREATE TABLE blob_uploads (
    id             TEXT PRIMARY KEY,
    sha256         TEXT NOT NULL,
    user_id        INTEGER NOT NULL REFERENCES accounts (id),
    environment_id TEXT NOT NULL REFERENCES environments (id),
    size           INTEGER NOT NULL,
    touched_at     INTEGER NOT NULL,
    UNIQUE (sha256, user_id, environment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_uploads_by_environment ON blob_uploads (environment_id);

-- Every SHA-256 that a manifest in the history of any branch or tag names, and up to where these were read.
CREATE TABLE environment_history_models (
    sha256         TEXT NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    PRIMARY KEY (sha256, environment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX environment_history_models_by_environment ON environment_history_models (environment_id);
CREATE TABLE environment_history (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    reference      TEXT NOT NULL,
    tip            TEXT NOT NULL,
    PRIMARY KEY (environment_id, reference)
) STRICT, WITHOUT ROWID;
