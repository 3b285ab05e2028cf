-- {interaction, customer, is_created}: what the core is told of a customer, and the version of the facts at that moment. Who has
-- taken this chat or mail finds everybody by exact search, and links whom it found.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT c.id, c.name, c.owner, c.tags, c.stage, c.source, c.fields, a.agent AS last_agent, a.at_ms AS last_ms
    FROM viewer_of($1, $2, $3) v, customers c LEFT JOIN activity a ON a.customer = c.id
    WHERE c.project = $1 AND c.id = ($4 ->> 'customer')::uuid AND c.deleted_at IS NULL
      AND (right_on(v, c) >= 1 OR ($4 ->> 'is_created')::boolean OR EXISTS (
          SELECT FROM interactions i
          WHERE i.project = $1 AND i.id = ($4 ->> 'interaction')::uuid AND i.closed_ms IS NULL AND i.state = 2
            AND i.agent = v.agent AND i.channel IN (1, 2)))
)
SELECT 'ok', json_build_object(
    'name', name, 'owner', owner, 'tags', to_json(tags), 'stage', stage, 'source', source, 'fields', fields,
    'last_agent', last_agent, 'last_ms', last_ms,
    'facts_version', (SELECT facts_version FROM fences WHERE project = $1))::text, NULL
FROM found
UNION ALL
SELECT 'not_found', 'there is no such customer', '/customer' WHERE NOT EXISTS (SELECT FROM found)
