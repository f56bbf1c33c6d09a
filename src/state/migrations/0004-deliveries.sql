-- Bodies of deliveries in a table of their own: what becomes of a delivery is written without moving its body, and
-- what waits is listed without passing over bodies.
CREATE TABLE event_bodies (
  event_id  INTEGER PRIMARY KEY,
  body      TEXT NOT NULL
);
INSERT INTO event_bodies (event_id, body) SELECT id, body FROM events WHERE body <> '';
ALTER TABLE events DROP COLUMN body;
DROP INDEX events_by_state;
CREATE INDEX events_waiting ON events (id) WHERE state = 'waiting';

-- Runs up to this number planned the pull request before it was last closed: what they have shown is gone.
ALTER TABLE pull_requests ADD COLUMN closed_after_run INTEGER NOT NULL DEFAULT 0;
