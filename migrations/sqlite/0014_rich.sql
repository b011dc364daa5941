-- The rich form of a message as JSON, where it has one: what a handset is shown that can show it. `text` says the same by SMS.
ALTER TABLE message ADD COLUMN rich TEXT;
-- Messages that an RCS platform is to be asked to take back. The bit is a note of the message's, and gone once that is settled.
CREATE INDEX message_revoking ON message (carrier, seq) WHERE (flags & 2048) <> 0;
