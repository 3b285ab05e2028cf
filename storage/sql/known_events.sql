-- The event keys of rows $2 to before $3 with the conversations of their interactions, the newest first; of a mail also its
-- input, with who wrote it in which interaction (and of one that came from $5 on and belongs to none). A range of numbers
-- instead of a limit: whatever the planner thinks of a table that nobody has analyzed yet, a page stays a page.
SELECT j.at_ms, j.event_key, i.conversation, mail.email_key, i.id, CASE WHEN mail.seq IS NOT NULL THEN j.input END
FROM journal j LEFT JOIN interactions i ON i.id = j.interaction AND j.event_key IS NOT NULL
LEFT JOIN LATERAL (
    SELECT c.seq, c.email_key FROM content c
    WHERE c.project = j.project AND c.seq = j.seq AND c.at_ms = j.at_ms AND j.event_key IS NOT NULL
      AND (i.channel = 2 OR (i.id IS NULL AND j.at_ms >= $5::bigint))
    LIMIT 1
) AS mail ON true
WHERE j.project = $1::integer AND j.seq >= $2::bigint AND j.seq < $3::bigint AND j.at_ms >= $4::bigint
ORDER BY j.seq DESC
