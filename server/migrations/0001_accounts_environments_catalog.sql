-- Users and teams share one name space; `folded` is the lower-case name.
CREATE TABLE accounts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL CHECK (kind IN ('user', 'team')),
    name        TEXT NOT NULL,
    folded      TEXT NOT NULL UNIQUE,
    admin       INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

CREATE TABLE members (
    team_id INTEGER NOT NULL REFERENCES accounts (id),
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    role    TEXT NOT NULL CHECK (role IN ('reader', 'writer', 'admin')),
    PRIMARY KEY (team_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user_id);

-- Only the SHA-256 of a token is kept. Times are seconds since 1970.
CREATE TABLE tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER NOT NULL REFERENCES accounts (id),
    label        TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    scope        TEXT NOT NULL CHECK (scope IN ('read', 'push', 'admin')),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;

-- A browser's session has the rights of the token it was opened with and ends with it.
CREATE TABLE sessions (
    hash       BLOB PRIMARY KEY,
    token_id   INTEGER NOT NULL REFERENCES tokens (id),
    csrf       TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `tip` is null until a first push to main was accepted; such an environment does not exist for readers.
-- Everything from `tip` on is a projection of the git repository.
CREATE TABLE environments (
    id              TEXT PRIMARY KEY,
    owner_id        INTEGER NOT NULL REFERENCES accounts (id),
    name            TEXT NOT NULL,
    folded          TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    tip             TEXT,
    pushed_at       INTEGER,
    pushed_by       TEXT,
    comfyui_version TEXT,
    UNIQUE (owner_id, folded)
) STRICT, WITHOUT ROWID;

CREATE TABLE environment_workflows (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    name           TEXT NOT NULL,
    PRIMARY KEY (environment_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE environment_nodes (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    key            TEXT NOT NULL,
    name           TEXT NOT NULL,
    repository     TEXT,
    commit_id      TEXT,
    PRIMARY KEY (environment_id, key)
) STRICT, WITHOUT ROWID;

-- One row per claim: what one environment says about one model. Claims are put together when they
-- are asked for, so that nobody learns of a model from an environment he may not see.
CREATE TABLE environment_models (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    key            TEXT NOT NULL,
    sha256         TEXT,
    blake3         TEXT,
    quick          TEXT,
    size           INTEGER NOT NULL,
    filename       TEXT NOT NULL,
    category       TEXT NOT NULL,
    PRIMARY KEY (environment_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX environment_models_by_sha256 ON environment_models (sha256);
CREATE INDEX environment_models_by_blake3 ON environment_models (blake3);
CREATE INDEX environment_models_by_quick ON environment_models (quick, size);

CREATE TABLE environment_sources (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    key            TEXT NOT NULL,
    position       INTEGER NOT NULL,
    locator        TEXT NOT NULL,
    PRIMARY KEY (environment_id, key, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
