-- After a lost connection: is the batch in? Waits for the old backend's row lock, fences whatever it still has to read,
-- and says what stands. Nothing: somebody else owns the project.
UPDATE fences
SET epoch = epoch + 1, lease_until = now() + $4::bigint * interval '1 millisecond'
WHERE project = $1::integer AND owner = $2::uuid AND epoch = $3::bigint
RETURNING epoch, journal_seq, facts_version, config_version, published_seq, last_ms
