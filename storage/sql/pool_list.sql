-- {after, limit}: by id, which is by time of creation.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
page AS (
    SELECT p.id, row_number() OVER (ORDER BY p.id) AS n, pool_json(p) AS item
    FROM pools p
    WHERE p.project = $1 AND p.id > coalesce(($4 ->> 'after')::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY p.id LIMIT ($4 ->> 'limit')::integer + 1
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(item ORDER BY n) FROM page WHERE n <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT id FROM page WHERE n = ($4 ->> 'limit')::integer
                                   AND EXISTS (SELECT FROM page WHERE n > ($4 ->> 'limit')::integer)))::text, NULL
