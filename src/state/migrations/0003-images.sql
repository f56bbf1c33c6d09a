-- The registry: what each repository has. Blobs are in the store; manifests are here, with their tags.

-- A repository's claim on a blob. One that no manifest names is forgotten some time after its last use.
CREATE TABLE oci_blobs (
  repository    TEXT NOT NULL,
  -- As clients name it: sha256:… or sha512:…
  digest        TEXT NOT NULL,
  -- As the store names it.
  store_digest  TEXT NOT NULL,
  size_bytes    INTEGER NOT NULL,
  used_at       TEXT NOT NULL,
  PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX oci_blobs_by_use ON oci_blobs (used_at);

CREATE TABLE oci_manifests (
  repository     TEXT NOT NULL,
  digest         TEXT NOT NULL,
  media_type     TEXT NOT NULL,
  size_bytes     INTEGER NOT NULL,
  subject        TEXT,
  artifact_type  TEXT,
  -- JSON object.
  annotations    TEXT,
  pushed_at      TEXT NOT NULL,
  -- Last time that it was pushed or lost a tag: from then on the time runs in which it is kept without one.
  used_at        TEXT NOT NULL,
  PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX oci_manifests_by_subject ON oci_manifests (repository, subject, digest) WHERE subject IS NOT NULL;
CREATE INDEX oci_manifests_by_use ON oci_manifests (used_at);

-- The exact bytes that were pushed, apart so that lists need not pass over them.
CREATE TABLE oci_manifest_contents (
  repository  TEXT NOT NULL,
  digest      TEXT NOT NULL,
  content     BLOB NOT NULL,
  PRIMARY KEY (repository, digest),
  FOREIGN KEY (repository, digest) REFERENCES oci_manifests (repository, digest) ON DELETE CASCADE
);

-- What a manifest names: its config and layers (blob), the manifests of an index (manifest).
CREATE TABLE oci_links (
  repository  TEXT NOT NULL,
  manifest    TEXT NOT NULL,
  -- blob | manifest
  kind        TEXT NOT NULL,
  target      TEXT NOT NULL,
  PRIMARY KEY (repository, manifest, kind, target),
  FOREIGN KEY (repository, manifest) REFERENCES oci_manifests (repository, digest) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX oci_links_by_target ON oci_links (repository, target, kind);

CREATE TABLE oci_tags (
  repository  TEXT NOT NULL,
  name        TEXT NOT NULL,
  digest      TEXT NOT NULL,
  moved_at    TEXT NOT NULL,
  -- 1: a version, which never comes to mean other content.
  is_fixed    INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (repository, name),
  FOREIGN KEY (repository, digest) REFERENCES oci_manifests (repository, digest) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX oci_tags_by_digest ON oci_tags (repository, digest);

-- Uploads that clients have begun; their bytes are an upload of the store.
CREATE TABLE oci_uploads (
  id          TEXT PRIMARY KEY,
  repository  TEXT NOT NULL,
  touched_at  TEXT NOT NULL
);

-- What Larder built, or tried to.
CREATE TABLE image_builds (
  id           INTEGER PRIMARY KEY,
  image        TEXT NOT NULL,
  version      TEXT NOT NULL,
  -- Docker | AMI
  type         TEXT NOT NULL,
  -- Identity of everything that it was built of.
  inputs       TEXT NOT NULL,
  -- building | built | published | failed
  state        TEXT NOT NULL,
  -- Of the manifest.
  digest       TEXT,
  commit_id    TEXT,
  run_id       INTEGER NOT NULL,
  started_at   TEXT NOT NULL,
  finished_at  TEXT,
  -- JSON: what went wrong.
  error        TEXT,
  -- JSON: files that it was built of, base images.
  detail       TEXT NOT NULL
);
CREATE INDEX image_builds_by_image ON image_builds (image, id);
CREATE INDEX image_builds_by_version ON image_builds (image, version, state, id);
