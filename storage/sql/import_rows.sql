-- {rows, dry_run}: at most one chunk of a file.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb)
SELECT 'ok', import_rows($1, $2, $3, $4)::text, NULL
