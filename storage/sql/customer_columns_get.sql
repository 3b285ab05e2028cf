-- {}
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb)
SELECT 'ok', json_build_object('columns', columns_of(project, role, agent))::text, NULL FROM call
