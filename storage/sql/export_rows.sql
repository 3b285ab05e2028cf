-- {after, stage, owner, source, tag, limit}: the next customers of an export. A field that is no text stands as its JSON.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
page AS MATERIALIZED (SELECT id, n FROM export_page($1, $2, $3, $4) WITH ORDINALITY p (id, n))
SELECT 'ok', json_build_object(
    'items', (SELECT coalesce(json_agg(json_build_object(
                  'id', c.id, 'external_id', c.external_id, 'name', c.name, 'real_name', c.real_name, 'company', c.company,
                  'stage', c.stage, 'owner', c.owner, 'service_rep', c.service_rep, 'source', c.source, 'tags', to_json(c.tags),
                  'fields', (SELECT json_object_agg(f.key, f.value) FROM jsonb_each_text(c.fields) f),
                  'contacts', contacts_json(c.id)) ORDER BY page.n), '[]')
              FROM page JOIN customers c USING (id)),
    'next', (SELECT id FROM page WHERE n = ($4 ->> 'limit')::integer))::text, NULL
