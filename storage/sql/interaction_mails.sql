-- {interaction}: the mails of it that are kept, oldest first.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
place AS (SELECT p.may_read FROM datasheet_place($1, $2, $3, $4) p)
SELECT 'ok', json_build_object('items', coalesce((
    SELECT json_agg(json_build_object('id', r.event_key, 'at', time_text(r.at_ms), 'until', time_text(r.until_ms),
                                      'message_id', r.message_id, 'size', r.size, 'kept', r.message IS NOT NULL)
                    ORDER BY r.at_ms, r.event_key)
    FROM (SELECT * FROM raw_mails r WHERE r.project = $1 AND r.interaction = ($4 ->> 'interaction')::uuid
          ORDER BY r.at_ms LIMIT 1000) r), '[]'), 'next', NULL)::text, NULL
FROM place WHERE place.may_read
UNION ALL
SELECT 'not_found', 'there is no such interaction', NULL FROM place WHERE place.may_read IS NOT TRUE
