-- Portable between SQLite and PostgreSQL: TEXT, BIGINT and INTEGER only; times are ISO 8601 UTC in TEXT;
-- JSON is TEXT; ids are handed out by the application or are `id` columns filled in by state/.

CREATE TABLE leases (
  id          TEXT PRIMARY KEY,
  holder      TEXT NOT NULL UNIQUE,
  expires_at  TEXT NOT NULL
);
CREATE TABLE lease_blobs (
  lease_id    TEXT NOT NULL REFERENCES leases (id) ON DELETE CASCADE,
  digest      TEXT NOT NULL,
  PRIMARY KEY (lease_id, digest)
);
CREATE INDEX lease_blobs_by_digest ON lease_blobs (digest);

-- What a room keeps between runs (verified upstream metadata, compressed pieces of indices). `blobs` is a JSON
-- list of the digests it refers to, which gc spares while the row is there.
CREATE TABLE cache_entries (
  space       TEXT NOT NULL,
  key         TEXT NOT NULL,
  value       TEXT NOT NULL,
  blobs       TEXT NOT NULL,
  used_at     TEXT NOT NULL,
  PRIMARY KEY (space, key)
);

CREATE TABLE snapshots (
  mirror      TEXT NOT NULL,
  number      INTEGER NOT NULL,
  tree        TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  origin      TEXT NOT NULL,
  meta        TEXT NOT NULL,
  PRIMARY KEY (mirror, number),
  UNIQUE (mirror, tree)
);
CREATE TABLE publications (
  mirror          TEXT NOT NULL,
  generation      INTEGER NOT NULL,
  snapshot_number INTEGER NOT NULL,
  tree            TEXT NOT NULL,
  sealed_at       TEXT NOT NULL,
  valid_until     TEXT,
  PRIMARY KEY (mirror, generation)
);
-- The one pointer: changing this row is the switch.
CREATE TABLE current_publications (
  mirror      TEXT PRIMARY KEY,
  generation  INTEGER NOT NULL
);

CREATE TABLE events (
  id           INTEGER PRIMARY KEY,
  forge        TEXT NOT NULL,
  repository   TEXT NOT NULL,
  delivery_id  TEXT NOT NULL,
  name         TEXT NOT NULL,
  received_at  TEXT NOT NULL,
  body         TEXT NOT NULL,
  -- waiting | done | ignored
  state        TEXT NOT NULL,
  reason       TEXT,
  run_id       INTEGER,
  UNIQUE (forge, repository, delivery_id)
);
CREATE INDEX events_by_state ON events (state, id);

CREATE TABLE runs (
  id           INTEGER PRIMARY KEY,
  branch       TEXT NOT NULL,
  commit_id    TEXT NOT NULL,
  -- plan | apply
  goal         TEXT NOT NULL,
  -- waiting | running | succeeded | failed | cancelled | superseded
  state        TEXT NOT NULL,
  origin       TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  started_at   TEXT,
  finished_at  TEXT,
  attempts     INTEGER NOT NULL,
  error        TEXT,
  plan         TEXT
);
CREATE INDEX runs_by_state ON runs (state, id);
CREATE TABLE run_steps (
  run_id       INTEGER NOT NULL,
  number       INTEGER NOT NULL,
  name         TEXT NOT NULL,
  -- running | done | failed
  state        TEXT NOT NULL,
  started_at   TEXT NOT NULL,
  finished_at  TEXT,
  result       TEXT,
  PRIMARY KEY (run_id, number)
);
CREATE TABLE run_log (
  run_id       INTEGER NOT NULL,
  number       INTEGER NOT NULL,
  at           TEXT NOT NULL,
  message      TEXT NOT NULL,
  PRIMARY KEY (run_id, number)
);

CREATE TABLE settings (
  key          TEXT PRIMARY KEY,
  value        TEXT NOT NULL
);
