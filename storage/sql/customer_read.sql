-- {customer}: what was heard so far is read, by whatever clock it was noted.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT c.id, greatest(($4 ->> 'now_ms')::bigint, (SELECT l.heard_ms FROM customer_last l WHERE l.customer = c.id)) AS read_ms
    FROM customers c, viewer_of($1, $2, $3) v
    WHERE c.project = $1 AND c.id = ($4 ->> 'customer')::uuid AND c.deleted_at IS NULL AND right_on(v, c) >= 1
), noted AS (
    INSERT INTO customer_reads AS r (project, agent, customer, read_ms)
    SELECT $1, $3, found.id, found.read_ms FROM found WHERE $3 IS NOT NULL
    ON CONFLICT (project, agent, customer) DO UPDATE SET read_ms = greatest(r.read_ms, excluded.read_ms)
)
SELECT 'ok', json_build_object('customer', found.id, 'unread', false)::text, NULL FROM found WHERE $3 IS NOT NULL
UNION ALL
SELECT 'forbidden', 'the token has no agent, who could have read it', NULL FROM found WHERE $3 IS NULL
UNION ALL
SELECT 'not_found', 'there is no such customer', NULL WHERE NOT EXISTS (SELECT FROM found)
