-- {kind, after, limit}: by name as people sort; kind '': tags of no kind. Those of the project file are there even if nobody has them.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
kinds AS (
    SELECT k.key AS kind, tag.name COLLATE "C" AS name
    FROM customer_settings s, jsonb_each(coalesce(s.settings -> 'tags', '{}')) k, jsonb_array_elements_text(k.value) tag (name)
    WHERE s.project = $1
), tags AS (
    SELECT coalesce(t.tag COLLATE "C", k.name) AS name, k.kind, CASE WHEN t.tag IS NULL THEN 0 ELSE t.n END AS n
    FROM tags_seen($1, $2, $3) t FULL JOIN kinds k ON k.name = t.tag
), page AS (
    SELECT *, row_number() OVER (ORDER BY name COLLATE names) AS line FROM tags
    WHERE (NOT $4 ? 'kind' OR coalesce(kind, '') = $4 ->> 'kind') AND name COLLATE names > coalesce($4 ->> 'after', '')
    ORDER BY name COLLATE names LIMIT ($4 ->> 'limit')::integer + 1
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(json_build_object('name', name, 'kind', kind, 'count', n) ORDER BY line)
                       FROM page WHERE line <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT name FROM page WHERE line = ($4 ->> 'limit')::integer
                                     AND EXISTS (SELECT FROM page WHERE line > ($4 ->> 'limit')::integer)))::text, NULL
