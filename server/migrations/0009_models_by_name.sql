-- Models are looked up by the name of their file too, in any case.
CREATE INDEX environment_models_by_filename ON environment_models (filename COLLATE NOCASE);
