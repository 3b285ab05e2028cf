-- What a batch may have met before. kind 1: an event that was decided before (by its key); 2: the last closed
-- interaction of a conversation.
-- The lateral subquery and `project + 0` leave the planner one way only, the idempotency index: on a partition that was
-- empty when the plan was made it would walk the primary key instead, and go on with that when the partition is full.
SELECT 1::smallint AS kind, k.event_key::text AS key, j.digest AS id, j.seq, j.at_ms, j.decision
FROM unnest($2::uuid[]) AS k (event_key)
CROSS JOIN LATERAL (
    SELECT * FROM journal
    WHERE event_key = k.event_key AND project + 0 = $1::integer AND at_ms >= $4::bigint
    LIMIT 1
) AS j
UNION ALL
SELECT 2::smallint, k.conversation::text, last.id, 0, 0, NULL
FROM unnest($3::uuid[]) AS k (conversation)
CROSS JOIN LATERAL (
    SELECT i.id FROM interactions i
    WHERE i.conversation = k.conversation AND i.project = $1::integer AND i.closed_ms IS NOT NULL
      AND i.id >= uuid_floor($4::bigint)
    ORDER BY i.id DESC LIMIT 1
) AS last
