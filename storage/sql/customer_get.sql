-- {customer}; who was merged into another is found there, and `moved`.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT c.id FROM customers c, viewer_of($1, $2, $3) v
    WHERE c.project = $1 AND c.id = merged_target(($4 ->> 'customer')::uuid) AND c.deleted_at IS NULL AND right_on(v, c) >= 1
)
SELECT CASE WHEN c.id = ($4 ->> 'customer')::uuid THEN 'ok' ELSE 'moved' END, customer_json(c, contacts_json(c.id))::text, NULL
FROM customers c WHERE c.id = (SELECT id FROM found)
UNION ALL
SELECT 'not_found', 'there is no such customer', NULL WHERE NOT EXISTS (SELECT FROM found)
