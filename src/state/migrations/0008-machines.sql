-- Machines that Larder made or looks after, and how it found them last.
CREATE TABLE machines (
  name        TEXT PRIMARY KEY,
  -- container | ssh | local
  place       TEXT NOT NULL,
  -- Of what it was made of; another one means another machine.
  identity    TEXT NOT NULL,
  -- converged | changing | different | failed | unreachable
  state       TEXT NOT NULL,
  -- JSON: what became of each resource, and why.
  detail      TEXT NOT NULL,
  run_id      INTEGER,
  checked_at  TEXT NOT NULL,
  changed_at  TEXT
);
