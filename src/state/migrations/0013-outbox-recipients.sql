-- Whom a message is for: the forge, or the address of a listener. What one of them does holds up no other.
ALTER TABLE outbox ADD COLUMN recipient TEXT NOT NULL DEFAULT 'forge';
UPDATE outbox SET recipient = json_extract(body, '$.url') WHERE kind = 'notification' AND state = 'waiting';
