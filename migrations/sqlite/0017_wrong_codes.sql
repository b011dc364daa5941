-- Six wrong codes lock a number within any 24 hours, not within those that begin with the first: when each came, as a
-- JSON array, the oldest first. Of those before only the last change of the row is known.
ALTER TABLE person ADD COLUMN wrong TEXT NOT NULL DEFAULT '[]';
UPDATE person SET wrong = '[' || rtrim(replace(hex(zeroblob(wrong_codes)), '00', at || ','), ',') || ']'
WHERE wrong_codes > 0;
ALTER TABLE person DROP COLUMN wrong_codes;
ALTER TABLE person DROP COLUMN wrong_since;
