-- {after, limit}: newest first.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
page AS (
    SELECT i.id, row_number() OVER (ORDER BY i.id DESC) AS n, import_json(i) AS item
    FROM (SELECT i.id FROM imports i WHERE i.project = $1 AND (NOT $4 ? 'after' OR i.id < ($4 ->> 'after')::uuid)
          ORDER BY i.id DESC LIMIT ($4 ->> 'limit')::integer + 1) row JOIN imports i USING (id)
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(item ORDER BY n) FROM page WHERE n <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT id FROM page WHERE n = ($4 ->> 'limit')::integer
                                   AND EXISTS (SELECT FROM page WHERE n > ($4 ->> 'limit')::integer)))::text, NULL
