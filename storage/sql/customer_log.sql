-- {customer, operation, since_ms, until_ms, after, limit}: newest first. An admin reads what was done with who is deleted.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT c.id FROM customers c, viewer_of($1, $2, $3) v
    WHERE c.project = $1 AND c.id = ($4 ->> 'customer')::uuid AND (c.deleted_at IS NULL OR $2 = 'admin') AND right_on(v, c) >= 1
), page AS (
    SELECT l.id, row_number() OVER (ORDER BY l.id DESC) AS n,
           json_build_object('id', l.id::text, 'at', time_text(l.at_ms), 'operation', l.operation, 'actor', l.actor, 'role', l.role,
                             'origin', l.origin, 'changes', l.changes) AS item
    FROM found JOIN customer_log l ON l.customer = found.id
    WHERE (NOT $4 ? 'operation' OR l.operation = $4 ->> 'operation')
      AND (NOT $4 ? 'since_ms' OR l.at_ms >= ($4 ->> 'since_ms')::bigint)
      AND (NOT $4 ? 'until_ms' OR l.at_ms < ($4 ->> 'until_ms')::bigint)
      AND (NOT $4 ? 'after' OR l.id < ($4 ->> 'after')::bigint)
    ORDER BY l.id DESC LIMIT ($4 ->> 'limit')::integer + 1
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(item ORDER BY n) FROM page WHERE n <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT id::text FROM page WHERE n = ($4 ->> 'limit')::integer
                                         AND EXISTS (SELECT FROM page WHERE n > ($4 ->> 'limit')::integer)))::text, NULL
FROM found
UNION ALL
SELECT 'not_found', 'there is no such customer', NULL WHERE NOT EXISTS (SELECT FROM found)
