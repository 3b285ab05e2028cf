-- A transaction that is waited for: with it, everything that was committed before is on disk.
SELECT pg_logical_emit_message(true, 'patchbay', '')::text
