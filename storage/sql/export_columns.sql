-- {after, stage, owner, source, tag, limit}: what columns the next customers of an export need: names of fields, and how many
-- labels, phones and e-mail addresses one of them has.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
page AS MATERIALIZED (SELECT id, n FROM export_page($1, $2, $3, $4) WITH ORDINALITY p (id, n)),
wide AS (
    SELECT coalesce(max(k.position + 1) FILTER (WHERE k.label IS NOT NULL), 0) AS label,
           coalesce(max(k.position + 1) FILTER (WHERE k.phone IS NOT NULL), 0) AS phone,
           coalesce(max(k.position + 1) FILTER (WHERE k.email IS NOT NULL), 0) AS email
    FROM page JOIN contacts k ON k.customer = page.id
)
SELECT 'ok', json_build_object(
    'fields', (SELECT coalesce(json_agg(name ORDER BY name COLLATE "C"), '[]')
               FROM (SELECT DISTINCT jsonb_object_keys(c.fields) AS name FROM page JOIN customers c USING (id)) names),
    'label', wide.label, 'phone', wide.phone, 'email', wide.email,
    'next', (SELECT id FROM page WHERE n = ($4 ->> 'limit')::integer))::text, NULL
FROM wide
