-- A JSON array of the sections that a run is about; NULL: the whole site.
ALTER TABLE runs ADD COLUMN sections TEXT;
