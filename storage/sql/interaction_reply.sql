-- {interaction}: the mail that began it, with what its thread is signed by and with. For the router: the key goes no further.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
place AS (SELECT $2 = 'source' OR p.may_read AS may_read FROM datasheet_place($1, $2, $3, $4) p),
found AS (
    SELECT i.channel, i.conversation, c.recipient, c.email, c.subject, c.title
    FROM place, interactions i LEFT JOIN content c ON c.project = i.project AND c.seq = i.opened_seq AND c.at_ms = i.opened_ms
    WHERE place.may_read AND i.project = $1 AND i.id = ($4 ->> 'interaction')::uuid
)
SELECT 'ok', json_build_object(
    'conversation', f.conversation, 'recipient', f.recipient, 'sender', f.email, 'message_id', f.subject, 'title', f.title,
    'project', (SELECT p.name FROM projects p WHERE p.id = $1),
    'key', (SELECT encode(k.key, 'hex') FROM mail_keys k WHERE k.project = $1 ORDER BY k.id DESC LIMIT 1))::text, NULL
FROM found f WHERE f.channel = 2 AND f.recipient IS NOT NULL
UNION ALL
SELECT 'not_found', 'there is no such interaction', NULL WHERE NOT EXISTS (SELECT FROM found)
UNION ALL
SELECT 'invalid', CASE f.channel WHEN 2 THEN 'who wrote this mail was erased' ELSE 'only a mail is answered by mail' END, '/interaction'
FROM found f WHERE f.channel <> 2 OR f.recipient IS NULL
