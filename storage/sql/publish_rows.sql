-- The journal after a watermark, for what Redis missed.
SELECT j.seq, j.at_ms, j.config_version, j.decision, j.input, k.body, k.email, k.name, k.attributes
FROM journal j
LEFT JOIN content k ON k.project = j.project AND k.seq = j.seq AND k.at_ms = j.at_ms
WHERE j.project = $1::integer AND j.seq > $2::bigint AND j.seq <= $3::bigint
ORDER BY j.seq LIMIT $4::bigint
