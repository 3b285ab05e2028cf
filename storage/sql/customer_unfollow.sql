-- {customer, origin}: until the next assignment. Nobody has to go on following whom they may no longer view.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
gone AS (
    DELETE FROM follows WHERE project = $1 AND agent = $3 AND customer = ($4 ->> 'customer')::uuid RETURNING customer
), found AS (
    SELECT c.id FROM customers c, viewer_of($1, $2, $3) v
    WHERE c.project = $1 AND c.id = ($4 ->> 'customer')::uuid AND c.deleted_at IS NULL
      AND (right_on(v, c) >= 1 OR EXISTS (SELECT FROM gone))
), logged AS (
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT $1, gone.customer, ($4 ->> 'now_ms')::bigint, 'Unfollow customer', actor_of($2, $3), $2, $4 -> 'origin',
           '[{"field": "followed", "old": true, "new": false}]'
    FROM gone
)
SELECT 'ok', json_build_object('customer', found.id, 'followed', false)::text, NULL FROM found WHERE $3 IS NOT NULL
UNION ALL
SELECT 'forbidden', 'the token has no agent, who could follow', NULL FROM found WHERE $3 IS NULL
UNION ALL
SELECT 'not_found', 'there is no such customer', NULL WHERE NOT EXISTS (SELECT FROM found)
