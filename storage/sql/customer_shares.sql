-- {customer}: whom it is shared with; share_customers() sees to it that they fit one page.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT c.id FROM customers c, viewer_of($1, $2, $3) v
    WHERE c.project = $1 AND c.id = ($4 ->> 'customer')::uuid AND c.deleted_at IS NULL AND right_on(v, c) >= 1
)
SELECT 'ok', json_build_object('items', coalesce(
    (SELECT json_agg(json_build_object('kind', s.kind, 'name', s.name, 'shared_by', s.shared_by, 'at', time_text(s.at_ms))
                     ORDER BY s.kind COLLATE "C", s.name COLLATE "C")
     FROM shares s WHERE s.customer = found.id), '[]'), 'next', NULL)::text, NULL
FROM found
UNION ALL
SELECT 'not_found', 'there is no such customer', NULL WHERE NOT EXISTS (SELECT FROM found)
