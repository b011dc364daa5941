-- How a text is written beyond its alphabet, in words: `flash`, `reference_16`, `locking_turkish`, … Empty is the usual way.
ALTER TABLE message ADD COLUMN shape TEXT;
-- When the message came to its end, as the carrier's receipt says.
ALTER TABLE message ADD COLUMN done_at INTEGER;
ALTER TABLE parked_receipt ADD COLUMN done_at INTEGER;
-- Reference 7 of 8 bits is not reference 7 of 16. Empty is 8.
ALTER TABLE inbound ADD COLUMN segment_reference_bits INTEGER;
-- The address and port that an unreadable PDU came from.
ALTER TABLE quarantine ADD COLUMN peer TEXT;
