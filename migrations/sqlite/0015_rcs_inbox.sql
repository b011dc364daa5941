-- What an RCS platform has told by webhook, as it was signed: stored before it is answered, made use of after.
CREATE TABLE rcs_inbox (
    id      INTEGER PRIMARY KEY,
    -- the carrier under whose name it came
    carrier TEXT    NOT NULL,
    -- SHA-256 of what a second copy has in common with the first
    key     BLOB    NOT NULL,
    -- the JSON
    payload TEXT    NOT NULL,
    -- when it came, and when all was made of it, in milliseconds since 1970 in UTC
    at      INTEGER NOT NULL,
    done_at INTEGER,
    -- why nothing could be made of it
    error   TEXT
) STRICT;

-- What has come already.
CREATE UNIQUE INDEX rcs_inbox_key ON rcs_inbox (carrier, key);
-- What is to be made use of.
CREATE INDEX rcs_inbox_new ON rcs_inbox (id) WHERE done_at IS NULL;
-- What is to be forgotten.
CREATE INDEX rcs_inbox_done ON rcs_inbox (done_at) WHERE done_at IS NOT NULL;
