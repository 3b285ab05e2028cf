-- {after, limit, now_ms}: the queues of the current configuration, by name: what waits and who serves them.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
open AS (
    SELECT i.queue, i.channel, i.state, i.enqueued_ms FROM interactions i
    WHERE i.project = $1 AND i.closed_ms IS NULL AND i.queue IS NOT NULL
), serving AS (
    SELECT served.queue, a.state
    FROM fences f
    JOIN configs c ON c.project = f.project AND c.version = f.config_version,
         jsonb_each(c.tree -> 'agents') listed (name, settings)
    JOIN agents a ON a.project = $1 AND a.name = listed.name,
         jsonb_array_elements_text(listed.settings -> 'queues') served (queue)
    WHERE f.project = $1
), page AS (
    SELECT q.name, row_number() OVER (ORDER BY q.name COLLATE "C") AS n, json_build_object(
        'name', q.name,
        'waiting', (SELECT json_build_object('call', count(*) FILTER (WHERE o.channel = 0),
                                             'chat', count(*) FILTER (WHERE o.channel = 1),
                                             'email', count(*) FILTER (WHERE o.channel = 2))
                    FROM open o WHERE o.queue = q.name AND o.state = 0),
        'offered', (SELECT count(*) FROM open o WHERE o.queue = q.name AND o.state = 1),
        'active', (SELECT count(*) FROM open o WHERE o.queue = q.name AND o.state = 2),
        'oldest_wait_ms', (SELECT max(greatest(($4 ->> 'now_ms')::bigint - o.enqueued_ms, 0))
                           FROM open o WHERE o.queue = q.name AND o.state = 0),
        'agents', (SELECT json_build_object('offline', count(*) FILTER (WHERE s.state = 0),
                                            'available', count(*) FILTER (WHERE s.state = 1),
                                            'break', count(*) FILTER (WHERE s.state = 2),
                                            'not_responding', count(*) FILTER (WHERE s.state = 3))
                   FROM serving s WHERE s.queue = q.name)) AS item
    FROM queues q
    WHERE q.project = $1 AND q.active AND q.name COLLATE "C" > coalesce($4 ->> 'after', '')
    ORDER BY q.name COLLATE "C" LIMIT ($4 ->> 'limit')::integer + 1
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(item ORDER BY n) FROM page WHERE n <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT name FROM page WHERE n = ($4 ->> 'limit')::integer
                                     AND EXISTS (SELECT FROM page WHERE n > ($4 ->> 'limit')::integer)))::text, NULL
