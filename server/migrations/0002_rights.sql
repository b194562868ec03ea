-- Who may see an environment, and deletions that can be taken back until `purge_at`.
ALTER TABLE environments ADD COLUMN visibility TEXT NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'public'));
ALTER TABLE environments ADD COLUMN deleted_at INTEGER;
ALTER TABLE environments ADD COLUMN deleted_by TEXT;
ALTER TABLE environments ADD COLUMN purge_at INTEGER;
CREATE INDEX environments_public ON environments (visibility) WHERE visibility = 'public';
CREATE INDEX environments_deleted ON environments (purge_at) WHERE purge_at IS NOT NULL;

-- Names an environment had, which lead to it until a time.
CREATE TABLE environment_names (
    owner_id       INTEGER NOT NULL REFERENCES accounts (id),
    folded         TEXT NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    until          INTEGER NOT NULL,
    PRIMARY KEY (owner_id, folded)
) STRICT, WITHOUT ROWID;
CREATE INDEX environment_names_by_environment ON environment_names (environment_id);

-- The only environments a token is for, like `studio/*`; null for all.
ALTER TABLE tokens ADD COLUMN environments TEXT;
CREATE INDEX tokens_by_user ON tokens (user_id);

CREATE INDEX audit_by_subject ON audit (subject, id);
