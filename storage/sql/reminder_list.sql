-- {after, limit}: the caller's customers that go back to their pool soon, by id; those followed up since are out of it.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
page AS (
    SELECT c.id, row_number() OVER (ORDER BY c.id) AS n,
           json_build_object('customer', c.id, 'name', c.name, 'pool', p.id, 'reminded_at', time_text(c.reminded_ms),
                             'returns_at', time_text(goes_back_ms(c, p))) AS item
    FROM customers c JOIN pools p ON p.id = c.home_pool
    WHERE c.project = $1 AND c.owner = $3 AND c.reminded_ms IS NOT NULL AND c.deleted_at IS NULL
      AND p.remind_days IS NOT NULL AND coalesce(last_follow_up_ms(c) <= c.reminded_ms, true)
      AND c.id > coalesce(($4 ->> 'after')::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY c.id LIMIT ($4 ->> 'limit')::integer + 1
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(item ORDER BY n) FROM page WHERE n <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT id FROM page WHERE n = ($4 ->> 'limit')::integer
                                   AND EXISTS (SELECT FROM page WHERE n > ($4 ->> 'limit')::integer)))::text, NULL
