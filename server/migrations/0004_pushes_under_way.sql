-- Pushes whose hook was answered yes and whose client has not been told the outcome yet. `updates` has a
-- line `reference old new` for each reference. What is found here at start was cut off by a crash.
CREATE TABLE pushes_under_way (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    actor          TEXT NOT NULL,
    at             INTEGER NOT NULL,
    updates        TEXT NOT NULL
) STRICT;
