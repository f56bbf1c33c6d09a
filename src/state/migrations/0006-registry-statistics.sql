-- How many rows a key of the registry's tables finds. Without these figures SQLite takes a repository to be ten rows,
-- and goes over all of its manifests for the referrers of one, and over all of its tags for each manifest that goes.
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1 WHERE tbl IN ('oci_manifests', 'oci_tags');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('oci_manifests', 'oci_manifests', '100000 5000 1'),
  ('oci_manifests', 'oci_manifests_by_subject', '50000 5000 5 1'),
  ('oci_tags', 'oci_tags', '100000 5000 1'),
  ('oci_tags', 'oci_tags_by_digest', '100000 5000 2 1');
ANALYZE sqlite_schema;
