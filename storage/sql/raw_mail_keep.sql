-- $1 project, $2 event key, $3 interaction, $4 now, $5 how long, $6 sender's key, $7 its length, $8 the bytes or NULL. The same
-- mail again changes nothing; of somebody who was erased meanwhile nothing comes back.
INSERT INTO raw_mails (project, event_key, interaction, at_ms, until_ms, sender_key, message_id, size, message)
SELECT $1::integer, $2::uuid, $3::uuid, $4::bigint, $4::bigint + $5::bigint, $6::text, c.subject, $7::bigint, $8::bytea
FROM journal j JOIN content c ON c.project = j.project AND c.seq = j.seq AND c.at_ms = j.at_ms
WHERE j.event_key = $2::uuid AND j.project + 0 = $1::integer AND c.subject IS NOT NULL
  AND NOT EXISTS (SELECT FROM erasures e WHERE e.project = $1::integer AND ($3::uuid = ANY (e.interactions) OR $6::text = ANY (e.keys)))
LIMIT 1
ON CONFLICT DO NOTHING
