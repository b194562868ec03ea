-- What an environment was called last, so that a token for some environments hears only of those that went which it
-- was for.
ALTER TABLE catalog_changes ADD COLUMN folded TEXT NOT NULL DEFAULT '';
UPDATE catalog_changes SET folded = coalesce((SELECT folded FROM environments WHERE id = environment_id), '');

DROP TRIGGER environment_added;
CREATE TRIGGER environment_added AFTER INSERT ON environments BEGIN
    UPDATE catalog_revision SET revision = revision + 1;
    INSERT INTO catalog_changes (environment_id, owner_id, folded, revision)
        SELECT NEW.id, NEW.owner_id, NEW.folded, revision FROM catalog_revision;
END;
DROP TRIGGER environment_changed;
CREATE TRIGGER environment_changed AFTER UPDATE OF tip, visibility, deleted_at, name, owner_id ON environments BEGIN
    UPDATE catalog_revision SET revision = revision + 1;
    UPDATE catalog_changes SET revision = (SELECT revision FROM catalog_revision), owner_id = NEW.owner_id,
        folded = NEW.folded,
        public_until = CASE WHEN OLD.visibility = 'public' THEN (SELECT revision FROM catalog_revision)
            ELSE public_until END
        WHERE environment_id = NEW.id;
END;
