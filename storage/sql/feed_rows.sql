-- An agent's announcements after a number, oldest first, as journal rows; the input of what has no content, which may be
-- the end of something, for the word of its source.
SELECT f.agentsequence, f.n, j.seq, j.at_ms, j.config_version, j.decision,
       CASE WHEN k.seq IS NULL THEN j.input END, k.body, k.email, k.name, k.attributes
FROM feed f
JOIN journal j ON j.project = f.project AND j.seq = f.seq AND j.at_ms = f.at_ms
LEFT JOIN content k ON k.project = f.project AND k.seq = f.seq AND k.at_ms = f.at_ms
WHERE f.project = $1::integer AND f.agent = $2 AND f.agentsequence > $3::bigint
ORDER BY f.agentsequence LIMIT $4::bigint
