-- {customer, origin}
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT c.id FROM customers c, viewer_of($1, $2, $3) v
    WHERE c.project = $1 AND c.id = ($4 ->> 'customer')::uuid AND c.deleted_at IS NULL AND right_on(v, c) >= 1
), made AS (
    INSERT INTO follows (project, agent, customer, at_ms)
    SELECT $1, $3, found.id, ($4 ->> 'now_ms')::bigint FROM found WHERE $3 IS NOT NULL
    ON CONFLICT DO NOTHING RETURNING customer
), logged AS (
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT $1, made.customer, ($4 ->> 'now_ms')::bigint, 'Follow customer', actor_of($2, $3), $2, $4 -> 'origin',
           '[{"field": "followed", "old": false, "new": true}]'
    FROM made
)
SELECT 'ok', json_build_object('customer', found.id, 'followed', true)::text, NULL FROM found WHERE $3 IS NOT NULL
UNION ALL
SELECT 'forbidden', 'the token has no agent, who could follow', NULL FROM found WHERE $3 IS NULL
UNION ALL
SELECT 'not_found', 'there is no such customer', NULL WHERE NOT EXISTS (SELECT FROM found)
