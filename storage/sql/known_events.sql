-- The event keys of the idempotency window with the conversations of their interactions, newest first, a page at a time.
SELECT j.seq, j.at_ms, j.event_key, i.conversation
FROM (
    SELECT seq, at_ms, event_key, interaction FROM journal
    WHERE project = $1::integer AND seq < $2::bigint AND at_ms >= $3::bigint AND event_key IS NOT NULL
    ORDER BY seq DESC LIMIT 1000
) AS j
LEFT JOIN interactions i ON i.id = j.interaction
ORDER BY j.seq DESC
