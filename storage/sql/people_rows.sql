-- Who the announcements speak of: the texts of first events (kind 1) and customers (kind 2).
SELECT 1::smallint AS kind, k.seq, NULL::uuid AS id, k.phone, k.email, k.party_id, k.name, k.recipient, k.phone_key,
       k.email_key, NULL::text AS source, NULL::text AS subject, k.title, NULL::text AS owner, NULL::text[] AS tags
FROM unnest($2::bigint[]) AS u (seq) JOIN content k ON k.project = $1::integer AND k.seq = u.seq
UNION ALL
SELECT 2::smallint, 0, c.id, NULL, NULL, NULL, c.name, NULL, NULL, NULL, NULL, NULL, NULL, c.owner, c.tags
FROM unnest($3::uuid[]) AS u (id) JOIN customers c ON c.id = u.id
