-- What a hub's catalog said, by `place`: the hub's address and the fingerprint of the token it was asked with.
CREATE TABLE feeds (
  place       TEXT PRIMARY KEY,
  cursor      TEXT,
  followed_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE claims (
  place       TEXT NOT NULL,
  environment TEXT NOT NULL,
  sha256      TEXT NOT NULL,
  model       TEXT NOT NULL,
  PRIMARY KEY (place, sha256, environment)
) WITHOUT ROWID;
CREATE INDEX claims_environment ON claims(place, environment);
