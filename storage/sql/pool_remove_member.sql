-- {pool, agent}: who was none is none.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT p.id, manages_pool(viewer_of($1, $2, $3), p.id) AS may FROM pools p
    WHERE p.project = $1 AND p.id = ($4 ->> 'pool')::uuid
), gone AS (
    DELETE FROM pool_members m USING found WHERE m.pool = found.id AND found.may AND m.agent = $4 ->> 'agent'
)
SELECT 'ok', json_build_object('pool', found.id, 'agent', $4 ->> 'agent')::text, NULL FROM found WHERE found.may
UNION ALL
SELECT 'not_found', 'there is no such pool', NULL WHERE NOT EXISTS (SELECT FROM found)
UNION ALL
SELECT 'forbidden', 'you do not administer this pool', NULL FROM found WHERE NOT found.may
