-- The call ids of what is open of one gateway.
SELECT k.subject
FROM interactions i
JOIN content k ON k.project = i.project AND k.seq = i.opened_seq AND k.at_ms = i.opened_ms
WHERE i.project = $1::integer AND i.closed_ms IS NULL AND i.channel = 0 AND k.source = $2::text
ORDER BY i.id LIMIT $3::bigint
