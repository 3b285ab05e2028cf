-- {active, after, limit, now_ms}: newest first, without what was made with another one.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
page AS (
    SELECT b.id, row_number() OVER (ORDER BY b.id DESC) AS n, block_json(b, ($4 ->> 'now_ms')::bigint) AS item
    FROM blacklist b
    WHERE b.project = $1 AND b.made_with IS NULL
      AND b.id < coalesce(($4 ->> 'after')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      AND (NOT $4 ? 'active' OR ($4 ->> 'active')::boolean =
           (b.lifted_ms IS NULL AND (b.until_ms IS NULL OR b.until_ms > ($4 ->> 'now_ms')::bigint)))
    ORDER BY b.id DESC LIMIT ($4 ->> 'limit')::integer + 1
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(item ORDER BY n) FROM page WHERE n <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT id FROM page WHERE n = ($4 ->> 'limit')::integer
                                   AND EXISTS (SELECT FROM page WHERE n > ($4 ->> 'limit')::integer)))::text, NULL
