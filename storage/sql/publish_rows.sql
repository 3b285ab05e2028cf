-- The journal after a watermark, for what Redis missed; the input of what has no content, which may be the end of something, for the
-- word of its source.
SELECT j.seq, j.at_ms, j.config_version, j.decision,
       CASE WHEN k.seq IS NULL THEN j.input END, k.body, k.email, k.name, k.attributes
FROM journal j
LEFT JOIN content k ON k.project = j.project AND k.seq = j.seq AND k.at_ms = j.at_ms
WHERE j.project = $1::integer AND j.seq > $2::bigint AND j.seq <= $3::bigint
ORDER BY j.seq LIMIT $4::bigint
