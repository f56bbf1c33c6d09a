-- What was read through from other registries. A manifest that stands here is kept until nobody has wanted it for a time.
CREATE TABLE oci_cached (
  repository  TEXT NOT NULL,
  -- A tag or a digest, as clients ask for it.
  reference   TEXT NOT NULL,
  digest      TEXT NOT NULL,
  -- When the other registry last said that the tag means this.
  checked_at  TEXT NOT NULL,
  used_at     TEXT NOT NULL,
  PRIMARY KEY (repository, reference),
  FOREIGN KEY (repository, digest) REFERENCES oci_manifests (repository, digest) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX oci_cached_by_digest ON oci_cached (repository, digest);
