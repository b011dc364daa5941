-- Messages that a carrier took without giving an id: their receipt finds them by the end of the recipient's number.
CREATE INDEX message_without_id ON message (substr(recipient, -7))
    WHERE state = 'submitted' AND carrier_message_id IS NULL AND segments = 1 AND receipt = 1;
-- And those that were given up in doubt: a late receipt corrects them.
CREATE INDEX message_given_up ON message (substr(recipient, -7))
    WHERE state = 'failed' AND reason = 'outcome_unknown' AND carrier_message_id IS NULL AND receipt = 1;
