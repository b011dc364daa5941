-- Codes that are sent to numbers to prove whose hand they are in.
CREATE TABLE verification (
    id         BLOB    NOT NULL PRIMARY KEY,
    client     TEXT    NOT NULL,
    -- digits, without plus
    msisdn     TEXT    NOT NULL,
    -- the client's own word for the customer
    customer   TEXT    NOT NULL,
    profile    TEXT,
    -- JSON: a salted hash of the code and of all the above
    code       TEXT    NOT NULL,
    -- pending, verified, spent
    state      TEXT    NOT NULL,
    -- codes that were not this one
    wrong      INTEGER NOT NULL,
    made_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX verification_made ON verification (made_at);

-- Numbers that are certified for a customer of a client. What has ended stays, for good: proof of who was whom, and when.
CREATE TABLE certified (
    seq      INTEGER PRIMARY KEY,
    client   TEXT    NOT NULL,
    msisdn   TEXT    NOT NULL,
    customer TEXT    NOT NULL,
    profile  TEXT,
    at       INTEGER NOT NULL,
    ended_at INTEGER,
    -- replaced or revoked
    ended    TEXT
) STRICT;
CREATE UNIQUE INDEX certified_now ON certified (msisdn, client) WHERE ended_at IS NULL;
CREATE INDEX certified_of ON certified (msisdn, seq);
