-- What people want to be sent, a row a (number, brand, topic): `*` is every topic. What nobody has said has no row.
CREATE TABLE consent (
    seq    INTEGER PRIMARY KEY,
    -- digits, without plus
    msisdn TEXT    NOT NULL,
    -- a client, or a configured group of clients
    brand  TEXT    NOT NULL,
    topic  TEXT    NOT NULL,
    -- opted_out or opted_in
    will   TEXT    NOT NULL,
    source TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    note   TEXT
) STRICT;
CREATE UNIQUE INDEX consent_of ON consent (msisdn, brand, topic);

-- Every change of it, for good: proof of what was said, when and how.
CREATE TABLE consent_change (
    seq         INTEGER PRIMARY KEY,
    msisdn      TEXT    NOT NULL,
    brand       TEXT    NOT NULL,
    topic       TEXT    NOT NULL,
    -- opted_out, opted_in, or withdrawn: the row is gone
    will        TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    -- when it was said, and when it was written here
    at          INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    note        TEXT
) STRICT;
CREATE INDEX consent_change_of ON consent_change (msisdn, seq);

-- Owners are told of it.
ALTER TABLE notice ADD COLUMN consent_seq INTEGER;

-- What waits for a person: a STOP finds it. Messages that are sent at once are never in it.
CREATE INDEX message_waiting ON message (recipient) WHERE state IN ('queued', 'scheduled');
