-- Is the link alive? Returns what it was given.
SELECT $1::bigint
