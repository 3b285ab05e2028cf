-- {id, kind, customer or key and value, channels (bits), until_ms, reason, author, now_ms, origin}
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb)
SELECT b.outcome, b.answer, b.pointer FROM add_block($1, $2, $3, $4) b
