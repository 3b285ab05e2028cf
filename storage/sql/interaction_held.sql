-- {interaction}: whether the caller may link it, as far as the tables know; the decision says it again.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT i.closed_ms, $2 IN ('supervisor', 'admin') OR (i.state = 2 AND i.agent = $3) AS may FROM interactions i
    WHERE i.id = ($4 ->> 'interaction')::uuid AND i.project = $1
)
SELECT 'ok', '{}', NULL FROM found WHERE closed_ms IS NULL AND may
UNION ALL
SELECT 'not_found', 'the interaction has ended', NULL FROM found WHERE closed_ms IS NOT NULL
UNION ALL
SELECT 'forbidden', 'it is another agent''s', NULL FROM found WHERE closed_ms IS NULL AND may IS NOT TRUE
UNION ALL
SELECT 'not_found', 'there is no such offer or interaction', NULL WHERE NOT EXISTS (SELECT FROM found)
