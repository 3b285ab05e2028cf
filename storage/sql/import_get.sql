-- {import}
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (SELECT i.* FROM imports i WHERE i.project = $1 AND i.id = ($4 ->> 'import')::uuid)
SELECT 'ok', import_json(ROW(found.*)::imports)::text, NULL FROM found
UNION ALL
SELECT 'not_found', 'there is no such import', NULL WHERE NOT EXISTS (SELECT FROM found)
