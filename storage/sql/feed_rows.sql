-- An agent's announcements after a number, oldest first, as journal rows.
SELECT f.agentsequence, f.n, j.seq, j.at_ms, j.config_version, j.decision, j.input, k.body, k.email, k.name, k.attributes
FROM feed f
JOIN journal j ON j.project = f.project AND j.seq = f.seq AND j.at_ms = f.at_ms
LEFT JOIN content k ON k.project = f.project AND k.seq = f.seq AND k.at_ms = f.at_ms
WHERE f.project = $1::integer AND f.agent = $2 AND f.agentsequence > $3::bigint
ORDER BY f.agentsequence LIMIT $4::bigint
