-- {interaction}
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT interaction_json(i) AS item FROM interactions i
    WHERE i.id = ($4 ->> 'interaction')::uuid AND i.project = $1
)
SELECT 'ok', item::text, NULL FROM found
UNION ALL
SELECT 'not_found', 'there is no such interaction', NULL WHERE NOT EXISTS (SELECT FROM found)
