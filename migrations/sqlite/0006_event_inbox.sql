-- Events from programs that share this file. A program inserts in a transaction of its own, beside its own tables; Araldo
-- publishes what was committed and says here what became of it, in the commit that stores the messages.
CREATE TABLE event_inbox (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    -- what the program writes: the client in whose name, and the attributes of CloudEvents; data is a JSON text
    client   TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    event_id TEXT    NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    type     TEXT    NOT NULL,
    subject  TEXT,
    time     TEXT,
    data     TEXT,
    -- what Araldo writes: new, then done, repeated (published before under this source and event_id) or refused
    state    TEXT    NOT NULL DEFAULT 'new',
    -- when, in milliseconds since 1970 in UTC
    done_at  INTEGER,
    -- rules that know the type, and the messages they made
    matched  INTEGER,
    messages INTEGER,
    -- why it was refused
    error    TEXT
) STRICT;

-- What is to be published.
CREATE INDEX event_inbox_new ON event_inbox (id) WHERE state = 'new';
-- What is to be forgotten.
CREATE INDEX event_inbox_done ON event_inbox (done_at) WHERE done_at IS NOT NULL;
