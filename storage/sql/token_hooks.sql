-- $1 project name -> the webhooks of its current configuration, as a list for people, NULL for none; no row when there is no
-- such project.
SELECT string_agg(h.name, ', ' ORDER BY h.name)
FROM projects p
LEFT JOIN fences f ON f.project = p.id
LEFT JOIN configs c ON c.project = p.id AND c.version = f.config_version
LEFT JOIN LATERAL jsonb_object_keys(CASE WHEN jsonb_typeof(c.tree -> 'hooks') = 'object' THEN c.tree -> 'hooks' END) h (name) ON true
WHERE p.name = $1::text
GROUP BY p.id
