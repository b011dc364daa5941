-- What owners are told of their messages: a row a fact, written in the commit of the change that it tells of. `seq` is
-- never given twice: it is the place in the stream of what happened, and part of a webhook's id.
CREATE TABLE notice (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- what it is about: a message or an inbound text; whose it is, where no message says so
    message_seq INTEGER,
    inbound_seq INTEGER,
    client      TEXT,
    kind        TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    -- as it stood then, of what may move on; all else is read from the message
    reason      TEXT,
    code        INTEGER,
    flags       INTEGER NOT NULL,
    carrier     TEXT,
    -- who hears of it by webhook; NULL is nobody
    endpoint    TEXT,
    -- what changes: due_at while it is pending, dead_at once it was given up
    due_at      INTEGER,
    attempts    INTEGER NOT NULL DEFAULT 0,
    bundle      INTEGER,
    tried_at    INTEGER,
    outcome     TEXT,
    dead_at     INTEGER
) STRICT;

-- What is pending, by who hears it: a range read for each endpoint.
CREATE INDEX notice_due ON notice (endpoint, due_at, seq) WHERE due_at IS NOT NULL;
-- A message's webhooks: their order, its timeline.
CREATE INDEX notice_message ON notice (message_seq, seq) WHERE endpoint IS NOT NULL;
-- What was given up.
CREATE INDEX notice_dead ON notice (endpoint, seq) WHERE dead_at IS NOT NULL;

-- Endpoints that are switched off, by a person or by an answer 410. Their notices wait.
CREATE TABLE webhook_off (
    endpoint TEXT    NOT NULL PRIMARY KEY,
    at       INTEGER NOT NULL,
    reason   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
