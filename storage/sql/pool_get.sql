-- {pool}
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (SELECT p FROM pools p WHERE p.project = $1 AND p.id = ($4 ->> 'pool')::uuid)
SELECT 'ok', pool_json(p)::text, NULL FROM found
UNION ALL
SELECT 'not_found', 'there is no such pool', NULL WHERE NOT EXISTS (SELECT FROM found)
