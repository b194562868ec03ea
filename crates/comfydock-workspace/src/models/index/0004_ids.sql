-- The number of a model's row is never used again: what was read for a model that is forgotten since
-- would be taken for knowledge of another one.
CREATE TABLE model_ids (last INTEGER NOT NULL);
INSERT INTO model_ids SELECT coalesce(max(id), 0) FROM models;
CREATE TRIGGER models_forgotten AFTER DELETE ON models BEGIN
  UPDATE model_ids SET last = max(last, OLD.id);
END;
