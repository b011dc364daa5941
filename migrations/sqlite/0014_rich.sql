-- The rich form of a message as JSON, where it has one: what a handset is shown that can show it. `text` says the same by SMS.
ALTER TABLE message ADD COLUMN rich TEXT;
