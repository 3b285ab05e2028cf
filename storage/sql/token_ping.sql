-- $1 a text that comes back as a notification, after those of all tokens that were changed before.
SELECT pg_notify('patchbay', 'ping:' || $1::text)
