-- Bodies are only asked for while a delivery waits.
DELETE FROM event_bodies WHERE event_id NOT IN (SELECT id FROM events WHERE state = 'waiting');
