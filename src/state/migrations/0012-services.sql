-- What of each service is on each of its machines, as it was found last.
CREATE TABLE services (
  name        TEXT NOT NULL,
  machine     TEXT NOT NULL,
  -- ready | changing | failed
  state       TEXT NOT NULL,
  -- The unit of systemd that runs it.
  unit        TEXT NOT NULL,
  -- Of the image; NULL for a unit, and where nothing is known.
  version     TEXT,
  reference   TEXT,
  -- Why it is in no good state.
  why         TEXT,
  run_id      INTEGER,
  checked_at  TEXT NOT NULL,
  changed_at  TEXT,
  PRIMARY KEY (name, machine)
);
