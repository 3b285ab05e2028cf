-- {state, after, limit}: by id, which is by time. What is open is found by its own index, however much is closed.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
ids AS (
    SELECT i.id FROM interactions i
    WHERE $4 ->> 'state' IN ('open', 'queued', 'offered', 'active') AND i.project = $1 AND i.closed_ms IS NULL
      AND ($4 ->> 'state' = 'open' OR i.state = array_position(ARRAY['queued', 'offered', 'active'], $4 ->> 'state') - 1)
      AND i.id > coalesce(($4 ->> 'after')::uuid, '00000000-0000-0000-0000-000000000000')
    UNION ALL
    SELECT closed.id FROM (
        SELECT i.id FROM interactions i
        WHERE coalesce($4 ->> 'state', 'closed') = 'closed' AND i.project = $1
          AND (i.closed_ms IS NOT NULL OR NOT $4 ? 'state')
          AND i.id > coalesce(($4 ->> 'after')::uuid, '00000000-0000-0000-0000-000000000000')
        ORDER BY i.id LIMIT ($4 ->> 'limit')::integer + 1) closed
), page AS (
    SELECT i.id, row_number() OVER (ORDER BY i.id) AS n, interaction_seen(v, i, is_theirs(v, i)) AS item
    FROM (SELECT id FROM ids ORDER BY id LIMIT ($4 ->> 'limit')::integer + 1) row
         JOIN interactions i USING (id), viewer_of($1, $2, $3) v
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(item ORDER BY n) FROM page WHERE n <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT id FROM page WHERE n = ($4 ->> 'limit')::integer
                                   AND EXISTS (SELECT FROM page WHERE n > ($4 ->> 'limit')::integer)))::text, NULL
