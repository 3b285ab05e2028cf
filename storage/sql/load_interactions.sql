-- Everything open, with the texts of its first event and its customer.
SELECT i.id, i.channel, i.outbound, i.conversation, i.opened_seq, i.opened_ms, i.state, i.queue, i.priority, i.enqueued_ms,
       i.agent, i.offer, i.offered_ms, i.expires_ms, i.accepted_ms, i.attempts, i.identity, i.customer,
       i.candidates::text[], k.phone, k.email, k.party_id, k.name, k.recipient, k.phone_key, k.email_key, k.source,
       k.subject, k.title, c.name, i.routing, k.attributes
FROM interactions i
LEFT JOIN content k ON k.project = i.project AND k.seq = i.opened_seq AND k.at_ms = i.opened_ms
LEFT JOIN customers c ON c.id = i.customer
WHERE i.project = $1::integer AND i.closed_ms IS NULL AND i.id > $2::uuid
ORDER BY i.id LIMIT $3::bigint
