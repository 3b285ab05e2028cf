-- {after, limit}: keys that several customers have of which the caller sees at least two. At most 500 keys are looked at for one
-- page, so that it may be short, or empty, and still have a next one.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
looked AS MATERIALIZED (
    SELECT d.id, d.kind, d.key, d.since_ms, duplicate_customers(v, d, 10) AS customers
    FROM viewer_of($1, $2, $3) v,
         LATERAL (SELECT * FROM duplicates x WHERE x.project = $1 AND x.id > coalesce(($4 ->> 'after')::bigint, 0)
                  ORDER BY x.id LIMIT 500) row JOIN duplicates d USING (id)
    ORDER BY d.id
), page AS (
    SELECT looked.*, row_number() OVER (ORDER BY id) AS n FROM looked WHERE json_array_length(customers) > 1
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(json_build_object('kind', kind, 'key', key, 'since', time_text(since_ms), 'customers', customers)
                                       ORDER BY n)
                       FROM page WHERE n <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT max(id) FROM (
        SELECT id FROM page WHERE n = ($4 ->> 'limit')::integer
        UNION ALL
        SELECT max(id) FROM looked
        WHERE (SELECT count(*) FROM looked) = 500 AND (SELECT count(*) FROM page) < ($4 ->> 'limit')::integer) last))::text, NULL
