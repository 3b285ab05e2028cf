-- The facts of a batch in one query. kind 1: an event that was decided before (by its key); 2: the last closed
-- interaction of a conversation; 3: the customers of a phone key; 4: those of an e-mail key. Newest interaction first.
-- The lateral subquery and `project + 0` leave the planner one way only, the idempotency index: on a partition that was
-- empty when the plan was made it would walk the primary key instead, and go on with that when the partition is full.
SELECT 1::smallint AS kind, k.event_key::text AS key, j.digest AS a, NULL::uuid AS b, j.seq, j.at_ms,
       j.decision, NULL::text AS name, NULL::text AS owner, NULL::text[] AS tags, j.config_version
FROM unnest($2::uuid[]) AS k (event_key)
CROSS JOIN LATERAL (
    SELECT * FROM journal
    WHERE event_key = k.event_key AND project + 0 = $1::integer AND at_ms >= $6::bigint
    LIMIT 1
) AS j
UNION ALL
SELECT 2::smallint, k.conversation::text, last.id, NULL, 0, 0, NULL, NULL, NULL, NULL, 0
FROM unnest($3::uuid[]) AS k (conversation)
CROSS JOIN LATERAL (
    SELECT i.id FROM interactions i
    WHERE i.conversation = k.conversation AND i.project = $1::integer AND i.closed_ms IS NOT NULL
      AND i.id >= uuid_floor($6::bigint)
    ORDER BY i.id DESC LIMIT 1
) AS last
UNION ALL
SELECT 3::smallint, k.key, c.id, a.interaction, 0, 0, NULL, c.name, c.owner, c.tags, 0
FROM unnest($4::text[]) AS k (key)
JOIN LATERAL (SELECT DISTINCT customer FROM contacts WHERE project = $1::integer AND phone_key = k.key
              LIMIT 64) AS t ON true
JOIN customers c ON c.id = t.customer AND c.deleted_at IS NULL
LEFT JOIN activity a ON a.customer = c.id
UNION ALL
SELECT 4::smallint, k.key, c.id, a.interaction, 0, 0, NULL, c.name, c.owner, c.tags, 0
FROM unnest($5::text[]) AS k (key)
JOIN LATERAL (SELECT DISTINCT customer FROM contacts WHERE project = $1::integer AND email_key = k.key
              LIMIT 64) AS t ON true
JOIN customers c ON c.id = t.customer AND c.deleted_at IS NULL
LEFT JOIN activity a ON a.customer = c.id
