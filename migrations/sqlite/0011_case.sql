-- What customers texted that a person answers. At most one is open between a number and an address.
CREATE TABLE care_case (
    seq        INTEGER PRIMARY KEY,
    -- the number that people say: TK-48213077
    id         INTEGER NOT NULL UNIQUE,
    number     TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    client     TEXT    NOT NULL,
    -- opened, taken, solved
    state      TEXT    NOT NULL,
    -- not_understood, asked, action_unknown
    reason     TEXT    NOT NULL,
    owner      TEXT,
    understood TEXT,
    language   TEXT    NOT NULL,
    opened_at  INTEGER NOT NULL,
    -- when the customer's last text came
    heard_at   INTEGER NOT NULL,
    -- until when a person is to answer; empty once one has, or the wait is over
    due_at     INTEGER,
    overdue_at INTEGER,
    taken_at   INTEGER,
    solved_at  INTEGER,
    joined     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX care_case_open ON care_case (number, address) WHERE state <> 'solved';
CREATE INDEX care_case_due ON care_case (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX care_case_solved ON care_case (solved_at) WHERE solved_at IS NOT NULL;

CREATE TABLE care_note (
    seq      INTEGER PRIMARY KEY,
    case_seq INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    author   TEXT    NOT NULL,
    text     TEXT    NOT NULL
) STRICT;
CREATE INDEX care_note_case ON care_note (case_seq, seq);

-- Owners are told of them.
ALTER TABLE notice ADD COLUMN case_seq INTEGER;
-- What a person texted and was answered is shown with the case. Other messages need not pay for it.
CREATE INDEX inbound_sender ON inbound (sender, seq);
CREATE INDEX message_reply ON message (recipient, seq) WHERE class = 'reply';
