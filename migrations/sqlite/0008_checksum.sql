-- Of what never changes in a row, so that what a disk has spoilt is told from what was written. Empty in rows that an
-- earlier version wrote: those are not checked.
ALTER TABLE message ADD COLUMN checksum INTEGER;
ALTER TABLE inbound ADD COLUMN checksum INTEGER;
