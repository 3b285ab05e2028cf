-- The customers that a batch is about. kind 3: those of a phone key; 4: those of an e-mail key. Their fields only when $4 asks
-- for them.
SELECT 3::smallint AS kind, k.key, c.id, a.interaction, c.name, c.owner, c.tags, c.stage, c.source, a.agent, a.at_ms,
       CASE WHEN $4::boolean THEN c.fields::text END
FROM unnest($2::text[]) AS k (key)
JOIN LATERAL (SELECT DISTINCT customer FROM contacts WHERE project = $1::integer AND phone_key = k.key
              LIMIT 64) AS t ON true
JOIN customers c ON c.id = t.customer AND c.deleted_at IS NULL
LEFT JOIN activity a ON a.customer = c.id
UNION ALL
SELECT 4::smallint, k.key, c.id, a.interaction, c.name, c.owner, c.tags, c.stage, c.source, a.agent, a.at_ms,
       CASE WHEN $4::boolean THEN c.fields::text END
FROM unnest($3::text[]) AS k (key)
JOIN LATERAL (SELECT DISTINCT customer FROM contacts WHERE project = $1::integer AND email_key = k.key
              LIMIT 64) AS t ON true
JOIN customers c ON c.id = t.customer AND c.deleted_at IS NULL
LEFT JOIN activity a ON a.customer = c.id
