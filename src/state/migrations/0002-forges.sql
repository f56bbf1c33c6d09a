-- Pull requests, what is owed to forges and listeners, and what pull requests would publish.

-- A run of a pull request plans what merging it into `base_commit` would make of the site.
ALTER TABLE runs ADD COLUMN pull_request INTEGER;
ALTER TABLE runs ADD COLUMN base_commit TEXT;
-- trusted | untrusted: the latter is from a fork, and no maintainer has given their word for the commit.
ALTER TABLE runs ADD COLUMN trust TEXT NOT NULL DEFAULT 'trusted';
CREATE INDEX runs_by_branch ON runs (branch, goal, id);
CREATE INDEX runs_by_pull_request ON runs (pull_request, id);

CREATE TABLE pull_requests (
  forge            TEXT NOT NULL,
  repository       TEXT NOT NULL,
  number           INTEGER NOT NULL,
  -- open | closed | merged
  state            TEXT NOT NULL,
  title            TEXT NOT NULL,
  author           TEXT NOT NULL,
  head             TEXT NOT NULL,
  head_commit      TEXT NOT NULL,
  base             TEXT NOT NULL,
  from_fork        INTEGER NOT NULL,
  -- The head that a maintainer gave their word for, and who that was.
  approved_commit  TEXT,
  approved_by      TEXT,
  updated_at       TEXT NOT NULL,
  PRIMARY KEY (forge, repository, number)
);
CREATE INDEX pull_requests_by_state ON pull_requests (state, number);

-- What is owed to others, until they have taken it. A newer message of the same topic replaces one that waits.
CREATE TABLE outbox (
  id          INTEGER PRIMARY KEY,
  -- status | comment | notification
  kind        TEXT NOT NULL,
  topic       TEXT NOT NULL,
  body        TEXT NOT NULL,
  -- waiting | done | abandoned | replaced
  state       TEXT NOT NULL,
  attempts    INTEGER NOT NULL,
  not_before  TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  settled_at  TEXT,
  reason      TEXT
);
CREATE INDEX outbox_by_state ON outbox (state, not_before, id);
CREATE INDEX outbox_by_topic ON outbox (topic, state);

-- Sealed trees that a pull request would publish, at /preview/<run>/…
CREATE TABLE previews (
  run_id      INTEGER NOT NULL,
  mirror      TEXT NOT NULL,
  format      TEXT NOT NULL,
  -- ed25519 | rsa: of the key that signed it.
  key_kind    TEXT NOT NULL,
  -- Sealed tree.
  tree        TEXT NOT NULL,
  -- What the format keeps beside the tree: as a snapshot's.
  meta        TEXT NOT NULL,
  -- Bytes that it has and no publication had.
  size_bytes  INTEGER NOT NULL,
  sealed_at   TEXT NOT NULL,
  expires_at  TEXT NOT NULL,
  PRIMARY KEY (run_id, mirror)
);
CREATE INDEX previews_by_expiry ON previews (expires_at);
