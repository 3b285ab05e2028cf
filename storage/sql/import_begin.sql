-- {import, actor, dry_run}; imports of more than a week ago go.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
old AS (DELETE FROM imports WHERE project = $1 AND started_ms < ($4 ->> 'now_ms')::bigint - 7 * 86400000::bigint),
made AS (
    INSERT INTO imports (id, project, actor, state, dry_run, started_ms, updated_ms)
    VALUES (($4 ->> 'import')::uuid, $1, actor_of($2, $3), 'running', ($4 ->> 'dry_run')::boolean, ($4 ->> 'now_ms')::bigint,
            ($4 ->> 'now_ms')::bigint)
    RETURNING *
)
SELECT 'created', import_json(ROW(made.*)::imports)::text, NULL FROM made
