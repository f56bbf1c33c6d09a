-- The mirror that a machine was made from, where it was not said either: what is said later may be the same.
ALTER TABLE machines ADD COLUMN base TEXT;
