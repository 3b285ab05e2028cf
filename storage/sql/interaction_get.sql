-- {interaction}: with its screen, and whom it was about before.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT i, CASE WHEN is_theirs(v, i) THEN true ELSE was_told($1, $3, i) END AS is_known, v
    FROM interactions i, viewer_of($1, $2, $3) v
    WHERE i.id = ($4 ->> 'interaction')::uuid AND i.project = $1
), shown AS (
    SELECT i, v, is_known, interaction_seen(v, i, is_known) AS item FROM found
), whole AS (
    SELECT item || jsonb_build_object(
        'screen', CASE (i).channel WHEN 0 THEN 'script' ELSE 'ticket' END,
        'script', CASE (i).channel WHEN 0 THEN script_of((i).project, (i).queue) END,
        'customers', coalesce(
            (SELECT jsonb_agg(jsonb_build_object('at', time_text(l.at_ms), 'actor', l.actor,
                                                 'before', CASE WHEN is_known OR l.before = ANY (seen.ids) THEN l.before END,
                                                 'after', CASE WHEN is_known OR l.after = ANY (seen.ids) THEN l.after END)
                              ORDER BY l.seq)
             FROM interaction_customers l,
                 LATERAL (SELECT CASE WHEN NOT is_known THEN customers_seen(v, ARRAY[l.before, l.after]) END AS ids) seen
             WHERE l.interaction = (i).id AND item #>> '{identity,customer}' IS NOT NULL), '[]')) AS item
    FROM shown
)
SELECT 'ok', item::text, NULL FROM whole
UNION ALL
SELECT 'not_found', 'there is no such interaction', NULL WHERE NOT EXISTS (SELECT FROM whole)
