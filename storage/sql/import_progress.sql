-- {import, state, detail, header, rows, created, changed, unchanged, failed, errors}: how far an import is. `errors` are lines of CSV.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
made AS (
    UPDATE imports i
    SET state = $4 ->> 'state', detail = $4 ->> 'detail', header = $4 ->> 'header', rows = ($4 ->> 'rows')::bigint,
        created = ($4 ->> 'created')::bigint, changed = ($4 ->> 'changed')::bigint, unchanged = ($4 ->> 'unchanged')::bigint,
        failed = ($4 ->> 'failed')::bigint, updated_ms = ($4 ->> 'now_ms')::bigint
    WHERE i.project = $1 AND i.id = ($4 ->> 'import')::uuid
    RETURNING i.*
), wrong AS (
    INSERT INTO import_errors (import, n, line)
    SELECT made.id, made.failed, $4 ->> 'errors' FROM made WHERE $4 ? 'errors'
)
SELECT 'ok', import_json(ROW(made.*)::imports)::text, NULL FROM made
UNION ALL
SELECT 'not_found', 'there is no such import', NULL WHERE NOT EXISTS (SELECT FROM made)
