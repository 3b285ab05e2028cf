-- The journal after a row, with its people: all that a core needs to decide it again.
SELECT j.seq, j.at_ms, j.config_version, j.input, j.facts, j.decision, k.phone, k.email, k.party_id, k.name, k.recipient,
       k.phone_key, k.email_key, k.source, k.subject, k.title, k.body, k.attributes, k.fields
FROM journal j
LEFT JOIN content k ON k.project = j.project AND k.seq = j.seq AND k.at_ms = j.at_ms
WHERE j.project = $1::integer AND j.seq > $2::bigint AND j.seq <= $3::bigint
ORDER BY j.seq LIMIT $4::bigint
