-- {version}: that version of the project file, or the current one.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT c.version, c.author, c.created_at, c.file
    FROM configs c JOIN fences f ON f.project = c.project
    WHERE c.project = $1 AND c.version = coalesce(($4 ->> 'version')::bigint, f.config_version)
)
SELECT 'ok', json_build_object('version', version, 'author', author, 'created_at', time_text(created_at),
                               'file', file)::text, NULL
FROM found
UNION ALL
SELECT 'not_found', 'there is no such version of the configuration', NULL WHERE NOT EXISTS (SELECT FROM found)
