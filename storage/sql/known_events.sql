-- The event keys of rows $2 to before $3 with the conversations of their interactions. A range of numbers instead of an
-- order and a limit: whatever the planner thinks of a table that nobody has analyzed yet, a page stays a page.
SELECT j.at_ms, j.event_key, i.conversation
FROM journal j LEFT JOIN interactions i ON i.id = j.interaction AND j.event_key IS NOT NULL
WHERE j.project = $1::integer AND j.seq >= $2::bigint AND j.seq < $3::bigint AND j.at_ms >= $4::bigint
