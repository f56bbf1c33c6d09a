-- What gc must keep is read page by page, in the order of the store's names.
CREATE INDEX oci_blobs_by_store_digest ON oci_blobs (store_digest);
