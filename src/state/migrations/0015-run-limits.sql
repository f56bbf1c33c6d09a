-- What a run is about within its sections, as JSON: {"machines": ["web-1"]} or {"restart": "counter"}; NULL: all that they declare.
ALTER TABLE runs ADD COLUMN only TEXT;
UPDATE runs SET only = (
  SELECT json_object('machines', json_extract(one.value, '$[1]'))
  FROM settings, json_each(settings.value) AS one
  WHERE settings.key = 'machines/limits' AND json_extract(one.value, '$[0]') = runs.id
) WHERE sections IS NOT NULL;
UPDATE runs SET only = (
  SELECT json_object('restart', json_extract(one.value, '$[1][0]'))
  FROM settings, json_each(settings.value) AS one
  WHERE settings.key = 'services/restarts' AND json_extract(one.value, '$[0]') = runs.id
) WHERE sections IS NOT NULL AND only IS NULL;
DELETE FROM settings WHERE key IN ('machines/limits', 'services/restarts');
