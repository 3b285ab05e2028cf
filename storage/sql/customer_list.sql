-- {after, limit}: by id, which is by time of creation.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
page AS (
    SELECT c.id, row_number() OVER (ORDER BY c.id) AS n, customer_json(c, contacts_json(c.id)) AS item
    FROM (SELECT c.* FROM customers c, viewer_of($1, $2, $3) v
          WHERE c.project = $1 AND c.deleted_at IS NULL AND right_on(v, c) >= 1
            AND c.id > coalesce(($4 ->> 'after')::uuid, '00000000-0000-0000-0000-000000000000')
          ORDER BY c.id LIMIT ($4 ->> 'limit')::integer + 1) row
         JOIN customers c USING (id)
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(item ORDER BY n) FROM page WHERE n <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT id FROM page WHERE n = ($4 ->> 'limit')::integer
                                   AND EXISTS (SELECT FROM page WHERE n > ($4 ->> 'limit')::integer)))::text, NULL
