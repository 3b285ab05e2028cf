-- {phone_key, email_key, after, limit}: customers with a contact of that canonical phone or e-mail; with both keys, of
-- both. By id. Who handles a chat or a mail finds everybody, as its sender may be anybody.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
phone AS (SELECT k.customer FROM contacts k WHERE k.project = $1 AND k.phone_key = $4 ->> 'phone_key'),
email AS (SELECT k.customer FROM contacts k WHERE k.project = $1 AND k.email_key = $4 ->> 'email_key'),
page AS (
    SELECT c.id, row_number() OVER (ORDER BY c.id) AS n, customer_json(c, contacts_json(c.id)) AS item
    FROM customers c, viewer_of($1, $2, $3) v
    WHERE c.id IN (SELECT customer FROM phone UNION SELECT customer FROM email)
      AND (NOT $4 ? 'phone_key' OR c.id IN (SELECT customer FROM phone))
      AND (NOT $4 ? 'email_key' OR c.id IN (SELECT customer FROM email))
      AND c.deleted_at IS NULL
      AND (right_on(v, c) >= 1 OR EXISTS (
          SELECT FROM interactions i
          WHERE i.project = $1 AND i.closed_ms IS NULL AND i.agent = v.agent AND i.channel IN (1, 2)))
      AND c.id > coalesce(($4 ->> 'after')::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY c.id LIMIT ($4 ->> 'limit')::integer + 1
)
SELECT 'ok', json_build_object(
    'items', coalesce((SELECT json_agg(item ORDER BY n) FROM page WHERE n <= ($4 ->> 'limit')::integer), '[]'),
    'next', (SELECT id FROM page WHERE n = ($4 ->> 'limit')::integer
                                   AND EXISTS (SELECT FROM page WHERE n > ($4 ->> 'limit')::integer)))::text, NULL
