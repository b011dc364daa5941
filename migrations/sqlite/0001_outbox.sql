-- The outbox. Times are UTC milliseconds, words are those of the API, so that a person with sqlite3 can read it.
-- Every index is partial or grows in order: finished rows cost the queue nothing.

CREATE TABLE message (
    seq                INTEGER PRIMARY KEY,
    id                 BLOB    NOT NULL,
    client             TEXT    NOT NULL,
    class              TEXT    NOT NULL,
    priority           INTEGER NOT NULL,
    recipient          TEXT    NOT NULL,
    sender             TEXT    NOT NULL,
    text               TEXT    NOT NULL,
    encoding           TEXT    NOT NULL,
    segments           INTEGER NOT NULL,
    route              TEXT    NOT NULL,
    receipt            INTEGER NOT NULL,
    reference          TEXT,
    callback           TEXT,
    accepted_at        INTEGER NOT NULL,
    not_before         INTEGER,
    -- what changes
    state              TEXT    NOT NULL,
    step               INTEGER NOT NULL,
    wake_at            INTEGER,
    expires_at         INTEGER NOT NULL,
    attempt            INTEGER NOT NULL,
    tries              INTEGER NOT NULL DEFAULT 0,
    copies             INTEGER NOT NULL DEFAULT 0,
    flags              INTEGER NOT NULL DEFAULT 0,
    lease              INTEGER,
    carrier            TEXT,
    bind               INTEGER,
    claimed_at         INTEGER,
    submitted_at       INTEGER,
    final_at           INTEGER,
    carrier_message_id TEXT,
    reason             TEXT,
    code               INTEGER
) STRICT;

-- UUIDv7: new keys go to the right edge.
CREATE UNIQUE INDEX message_id ON message (id);
-- The queue: one range read for each lane and priority. With the segments, so that the backlog is counted from the
-- index alone.
CREATE INDEX message_queue ON message (route, step, priority, seq, segments) WHERE state = 'queued';
-- What a process that died left behind.
CREATE INDEX message_claimed ON message (seq) WHERE state = 'claimed';
-- Whatever waits for a time.
CREATE INDEX message_wake ON message (state, wake_at) WHERE wake_at IS NOT NULL;
-- Receipts find their message.
CREATE INDEX message_carrier_id ON message (carrier_message_id)
    WHERE carrier_message_id IS NOT NULL AND receipt = 1 AND state <> 'delivered';

-- Segments of long messages, as far as answered.
CREATE TABLE segment (
    message_seq        INTEGER NOT NULL,
    number             INTEGER NOT NULL,
    attempt            INTEGER NOT NULL,
    carrier            TEXT    NOT NULL,
    state              TEXT    NOT NULL,
    carrier_message_id TEXT,
    code               INTEGER,
    at                 INTEGER NOT NULL,
    PRIMARY KEY (message_seq, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_carrier_id ON segment (carrier_message_id)
    WHERE carrier_message_id IS NOT NULL AND state <> 'delivered';

-- What happened beside the plain way. The plain way itself stands in the message's own columns.
CREATE TABLE message_event (
    id          INTEGER PRIMARY KEY,
    message_seq INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    attempt     INTEGER NOT NULL,
    carrier     TEXT,
    bind        INTEGER,
    code        INTEGER,
    note        TEXT
) STRICT;
CREATE INDEX message_event_message ON message_event (message_seq, id);

CREATE TABLE idempotency (
    client      TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    answer      TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (client, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (at);

-- Receipts that met no message yet. `tail` is the end of the recipient's number, since carriers write it in several ways.
CREATE TABLE parked_receipt (
    id                 INTEGER PRIMARY KEY,
    carrier            TEXT    NOT NULL,
    tail               TEXT    NOT NULL,
    destination        TEXT    NOT NULL,
    carrier_message_id TEXT    NOT NULL,
    candidates         TEXT    NOT NULL,
    reference          INTEGER,
    verdict            TEXT    NOT NULL,
    reason             TEXT,
    code               INTEGER,
    at                 INTEGER NOT NULL
) STRICT;
CREATE INDEX parked_receipt_tail ON parked_receipt (tail);
CREATE INDEX parked_receipt_at ON parked_receipt (at);

CREATE TABLE inbound (
    seq                INTEGER PRIMARY KEY,
    id                 BLOB    NOT NULL,
    carrier            TEXT    NOT NULL,
    bind               INTEGER NOT NULL,
    sender             TEXT    NOT NULL,
    recipient          TEXT    NOT NULL,
    data_coding        INTEGER NOT NULL,
    esm_class          INTEGER NOT NULL,
    octets             BLOB    NOT NULL,
    text               TEXT,
    lossy              INTEGER NOT NULL,
    segment_reference  INTEGER,
    segment_total      INTEGER,
    segment_number     INTEGER,
    carrier_message_id TEXT,
    digest             BLOB    NOT NULL,
    at                 INTEGER NOT NULL,
    note               TEXT
) STRICT;
CREATE INDEX inbound_at ON inbound (at);
CREATE INDEX inbound_carrier_id ON inbound (carrier, carrier_message_id) WHERE carrier_message_id IS NOT NULL;

-- PDUs that could not be read, for a person to look at. Bounded: the oldest make room.
CREATE TABLE quarantine (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    carrier TEXT    NOT NULL,
    bind    INTEGER NOT NULL,
    reason  TEXT    NOT NULL,
    status  INTEGER NOT NULL,
    octets  BLOB    NOT NULL
) STRICT;

-- One row: the number of the last start.
CREATE TABLE lease (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    token INTEGER NOT NULL
) STRICT;
INSERT INTO lease (one, token) VALUES (1, 0);
