-- $1 a text that comes back as a notification, after those of all tokens that were changed before. No row, and no notification,
-- where changes of tokens are not told.
SELECT pg_notify('patchbay', 'ping:' || $1::text)
FROM pg_trigger
WHERE tgrelid = 'tokens'::regclass AND tgname = 'tokens_tell' AND tgenabled = 'A'
