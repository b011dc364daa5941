-- What became of an inbound text: empty until all that follows from it is committed; then when, and in a word what.
ALTER TABLE inbound ADD COLUMN handled_at INTEGER;
ALTER TABLE inbound ADD COLUMN outcome TEXT;
-- A long text stands whole in the row of one of its segments; the others name that row.
ALTER TABLE inbound ADD COLUMN whole TEXT;
ALTER TABLE inbound ADD COLUMN part_of INTEGER;
-- Texts of before were told to their owners, and nobody waits for an answer to them.
UPDATE inbound SET handled_at = at;
CREATE INDEX inbound_unhandled ON inbound (seq) WHERE handled_at IS NULL;

-- The question that waits for an answer from a number, one for each of our addresses.
CREATE TABLE question (
    number     TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    -- JSON: what was asked, of which command, with which values
    said       TEXT    NOT NULL,
    asked_at   INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (number, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX question_expires ON question (expires_at);

-- What is remembered of a number beside its questions.
CREATE TABLE person (
    number       TEXT    NOT NULL PRIMARY KEY,
    language     TEXT,
    -- answers since the last valid command that a person need not have asked for
    passive      INTEGER NOT NULL,
    -- wrong codes since `wrong_since`
    wrong_codes  INTEGER NOT NULL,
    wrong_since  INTEGER,
    locked_until INTEGER,
    -- the last text that was no command, as a hash, and how often since
    said         INTEGER,
    said_times   INTEGER NOT NULL,
    said_since   INTEGER,
    at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX person_at ON person (at);

-- Calls of back ends: a row a confirmed wish.
CREATE TABLE action (
    seq        INTEGER PRIMARY KEY,
    -- the idempotency key, the same over all tries
    id         BLOB    NOT NULL,
    inbound_id BLOB    NOT NULL,
    number     TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    client     TEXT    NOT NULL,
    command    TEXT    NOT NULL,
    language   TEXT    NOT NULL,
    -- JSON: the values, frozen
    slots      TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    spent_day  INTEGER,
    spent      INTEGER,
    at         INTEGER NOT NULL,
    -- what changes: waiting, running, done; `version` counts the changes
    state      TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    -- whether the next call asks what became of it, rather than ask for it
    asks       INTEGER NOT NULL,
    -- whether a call before may have been done, though nobody said so
    doubt      INTEGER NOT NULL DEFAULT 0,
    attempts   INTEGER NOT NULL,
    lease      INTEGER,
    next_at    INTEGER,
    late_at    INTEGER,
    outcome    TEXT,
    done_at    INTEGER
) STRICT;
CREATE INDEX action_due ON action (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX action_running ON action (seq) WHERE state = 'running';
CREATE INDEX action_done ON action (done_at) WHERE done_at IS NOT NULL;

-- What a number has moved by a command on a day, in hundredths.
CREATE TABLE spent (
    number     TEXT    NOT NULL,
    command    TEXT    NOT NULL,
    -- days since 1970 by the customers' calendar
    day        INTEGER NOT NULL,
    hundredths INTEGER NOT NULL,
    PRIMARY KEY (number, command, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_day ON spent (day);
