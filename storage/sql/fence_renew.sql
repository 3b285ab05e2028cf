-- Keeps the lease of an idle project and its watermark. Nothing: somebody else owns it.
UPDATE fences
SET lease_until = now() + $4::bigint * interval '1 millisecond', published_seq = greatest(published_seq, $5::bigint)
WHERE project = $1::integer AND owner = $2::uuid AND epoch = $3::bigint
RETURNING facts_version
