-- The texts that are equal to the octet: whether a carrier brings one again is asked of these alone.
CREATE INDEX inbound_digest ON inbound (digest);
-- Nothing else was looked up by time.
DROP INDEX inbound_at;
