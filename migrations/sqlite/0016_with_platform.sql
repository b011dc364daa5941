-- What an RCS platform has, by recipient: who wants no more of it has it asked back. The bit is that of the flag WithPlatform.
CREATE INDEX message_with_platform ON message (recipient) WHERE state = 'submitted' AND (flags & 65536) <> 0;
