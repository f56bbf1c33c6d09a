-- Who has a blob is asked by its digest, which is the name that the store has for it but where clients use another algorithm.
CREATE INDEX oci_blobs_by_other_digest ON oci_blobs (digest) WHERE digest <> store_digest;
