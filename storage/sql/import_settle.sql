-- {}: chunks of an import do not wait for the disk. This writes (that the project's row is locked) and does, and with it all before it.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb)
SELECT 'ok', '{}', NULL FROM projects p, call WHERE p.id = call.project FOR KEY SHARE OF p
