-- A row whose id or state is none that is looked for stayed new for ever, and one with the greatest id left none for any
-- other. Those that are there are refused by an id of the usual kind: nobody waits for a message of so long ago.
UPDATE event_inbox SET state = 'refused', done_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000, messages = 0,
    error = 'id or state: were not as they are given; UPDATE event_inbox SET state = ''new'' publishes the row'
WHERE state NOT IN ('new', 'done', 'repeated', 'refused')
    OR (state = 'new' AND id NOT BETWEEN 1 AND 4611686018427387903);
INSERT INTO event_inbox (id, client, source, event_id, type, subject, time, data, state, done_at, matched, messages, error)
SELECT row_number() OVER (ORDER BY id)
    + (SELECT coalesce(max(id), 0) FROM event_inbox WHERE id BETWEEN 1 AND 4611686018427387903),
    client, source, event_id, type, subject, time, data, state, done_at, matched, messages, error
FROM event_inbox WHERE id NOT BETWEEN 1 AND 4611686018427387903;
DELETE FROM event_inbox WHERE id NOT BETWEEN 1 AND 4611686018427387903;
UPDATE sqlite_sequence SET seq = (SELECT coalesce(max(id), 0) FROM event_inbox)
WHERE name = 'event_inbox' AND seq > 4611686018427387903;

-- Who writes such a row now is told so at once.
CREATE TRIGGER event_inbox_inserted AFTER INSERT ON event_inbox
WHEN NEW.id NOT BETWEEN 1 AND 4611686018427387903 OR NEW.state NOT IN ('new', 'done', 'repeated', 'refused')
BEGIN
    SELECT RAISE(ABORT, 'event_inbox: leave out id and state, they are given; an id is 1 to 4611686018427387903');
END;

CREATE TRIGGER event_inbox_updated AFTER UPDATE OF id, state ON event_inbox
WHEN NEW.id NOT BETWEEN 1 AND 4611686018427387903 OR NEW.state NOT IN ('new', 'done', 'repeated', 'refused')
BEGIN
    SELECT RAISE(ABORT, 'event_inbox: a state is new, done, repeated or refused; an id is 1 to 4611686018427387903');
END;
