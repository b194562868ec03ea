-- What members found a source to be worth for a model, as an environment names it: the latest of each verdict.
CREATE TABLE observations (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    sha256         TEXT NOT NULL,
    locator        TEXT NOT NULL,
    user_id        INTEGER NOT NULL REFERENCES accounts (id),
    verdict        TEXT NOT NULL,
    http_status    INTEGER,
    size           INTEGER,
    at             INTEGER NOT NULL,
    PRIMARY KEY (sha256, locator, environment_id, user_id, verdict)
) STRICT, WITHOUT ROWID;
CREATE INDEX observations_by_environment ON observations (environment_id);

-- Sources that somebody who may push to an environment knows besides those of its manifest.
CREATE TABLE contributions (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    sha256         TEXT NOT NULL,
    locator        TEXT NOT NULL,
    user_id        INTEGER NOT NULL REFERENCES accounts (id),
    at             INTEGER NOT NULL,
    PRIMARY KEY (sha256, environment_id, locator)
) STRICT, WITHOUT ROWID;
CREATE INDEX contributions_by_environment ON contributions (environment_id);

-- When what is told of each environment changed last, in a count that only goes up; `oldest` is the last revision
-- whose removal was forgotten. Rows outlive their environments, so that clients hear of the removal.
CREATE TABLE catalog_revision (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    oldest   INTEGER NOT NULL
) STRICT;
INSERT INTO catalog_revision VALUES (1, 0, 0);
CREATE TABLE catalog_changes (
    environment_id TEXT PRIMARY KEY,
    owner_id       INTEGER NOT NULL,
    revision       INTEGER NOT NULL UNIQUE,
    -- The last revision at which everybody could see it.
    public_until   INTEGER NOT NULL DEFAULT 0,
    gone_at        INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO catalog_changes (environment_id, owner_id, revision)
    SELECT id, owner_id, row_number() OVER (ORDER BY created_at, id) FROM environments;
UPDATE catalog_revision SET revision = (SELECT count(*) FROM environments);

-- Triggers, so that no way of changing an environment can forget it.
CREATE TRIGGER environment_added AFTER INSERT ON environments BEGIN
    UPDATE catalog_revision SET revision = revision + 1;
    INSERT INTO catalog_changes (environment_id, owner_id, revision)
        SELECT NEW.id, NEW.owner_id, revision FROM catalog_revision;
END;
CREATE TRIGGER environment_changed AFTER UPDATE OF tip, visibility, deleted_at, name, owner_id ON environments BEGIN
    UPDATE catalog_revision SET revision = revision + 1;
    UPDATE catalog_changes SET revision = (SELECT revision FROM catalog_revision), owner_id = NEW.owner_id,
        public_until = CASE WHEN OLD.visibility = 'public' THEN (SELECT revision FROM catalog_revision)
            ELSE public_until END
        WHERE environment_id = NEW.id;
END;
CREATE TRIGGER environment_removed AFTER DELETE ON environments BEGIN
    UPDATE catalog_revision SET revision = revision + 1;
    UPDATE catalog_changes SET revision = (SELECT revision FROM catalog_revision), gone_at = unixepoch()
        WHERE environment_id = OLD.id;
END;
CREATE TRIGGER environment_given_file AFTER INSERT ON environment_blobs BEGIN
    UPDATE catalog_revision SET revision = revision + 1;
    UPDATE catalog_changes SET revision = (SELECT revision FROM catalog_revision) WHERE environment_id = NEW.environment_id;
END;
CREATE TRIGGER environment_lost_file AFTER DELETE ON environment_blobs BEGIN
    UPDATE catalog_revision SET revision = revision + 1;
    UPDATE catalog_changes SET revision = (SELECT revision FROM catalog_revision) WHERE environment_id = OLD.environment_id;
END;
CREATE TRIGGER environment_read_further AFTER INSERT ON environment_history BEGIN
    UPDATE catalog_revision SET revision = revision + 1;
    UPDATE catalog_changes SET revision = (SELECT revision FROM catalog_revision) WHERE environment_id = NEW.environment_id;
END;
CREATE TRIGGER source_contributed AFTER INSERT ON contributions BEGIN
    UPDATE catalog_revision SET revision = revision + 1;
    UPDATE catalog_changes SET revision = (SELECT revision FROM catalog_revision) WHERE environment_id = NEW.environment_id;
END;
CREATE TRIGGER source_observed AFTER INSERT ON observations BEGIN
    UPDATE catalog_revision SET revision = revision + 1;
    UPDATE catalog_changes SET revision = (SELECT revision FROM catalog_revision) WHERE environment_id = NEW.environment_id;
END;
