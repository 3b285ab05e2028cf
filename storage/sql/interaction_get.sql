-- {interaction}: with its screen, and whom it was about before.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT interaction_json(i)::jsonb || jsonb_build_object(
        'screen', CASE i.channel WHEN 0 THEN 'script' ELSE 'ticket' END,
        'script', CASE i.channel WHEN 0 THEN script_of(i.project, i.queue) END,
        'customers', coalesce(
            (SELECT jsonb_agg(jsonb_build_object('at', time_text(l.at_ms), 'actor', l.actor, 'before', l.before, 'after', l.after)
                              ORDER BY l.seq)
             FROM interaction_customers l WHERE l.interaction = i.id), '[]')) AS item
    FROM interactions i
    WHERE i.id = ($4 ->> 'interaction')::uuid AND i.project = $1
)
SELECT 'ok', item::text, NULL FROM found
UNION ALL
SELECT 'not_found', 'there is no such interaction', NULL WHERE NOT EXISTS (SELECT FROM found)
