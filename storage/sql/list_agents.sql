-- {after, limit}: the agents of the current configuration, by name: what they do and what they hold.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
held AS (
    SELECT i.agent, i.channel FROM interactions i
    WHERE i.project = $1 AND i.closed_ms IS NULL AND i.agent IS NOT NULL AND i.state IN (1, 2)
), page AS (
    SELECT a.name, row_number() OVER (ORDER BY a.name COLLATE "C") AS n, json_build_object(
        'name', a.name, 'display_name', a.display_name, 'role', a.role, 'department', a.department,
        'reports_to', a.reports_to,
        'state', (ARRAY['offline', 'available', 'break', 'not_responding'])[a.state + 1], 'reason', a.reason,
        'load', (SELECT json_build_object('call', count(*) FILTER (WHERE h.channel = 0),
                                          'chat', count(*) FILTER (WHERE h.channel = 1),
                                          'email', count(*) FILTER (WHERE h.channel = 2))
                 FROM held h WHERE h.agent = a.name),
        'misses', a.misses, 'lease_until', time_text(a.lease_until), 'grace_until', time_text(a.grace_until),
        'wrap_until', time_text(a.wrap_until), 'cool_until', time_text(a.cool_until),
        'agentsequence', lpad(a.agentsequence::text, 20, '0')) AS item
    FROM agents a
    WHERE a.project = $1 AND a.active AND a.name COLLATE "C" > coalesce($4 ->> 'after', '')
    ORDER BY a.name COLLATE "C" LIMIT ($4 ->> 'limit')::integer + 1
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(item ORDER BY n) FROM page WHERE n <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT name FROM page WHERE n = ($4 ->> 'limit')::integer
                                     AND EXISTS (SELECT FROM page WHERE n > ($4 ->> 'limit')::integer)))::text, NULL
